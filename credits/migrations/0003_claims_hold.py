"""What the database itself refuses of rulebooks, claims and decisions."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_contributions_hold")]

    operations = []
