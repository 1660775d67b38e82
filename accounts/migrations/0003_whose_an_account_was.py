"""Whose a forge account ever was, found without reading all of them; built without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0002_history_stays")]

    operations = [
        AddIndexConcurrently(
            "forgeaccount",
            models.Index(fields=["forge", "forge_user_id"], name="forge_account_of_anybody"),
        ),
    ]
