"""Name the column for what it holds: a fingerprint of the forge's last answer."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_triggers")]

    operations = [migrations.RenameField("contribution", "told", "answer_fingerprint")]
