"""Short for the forge's last answer, so that the same answer once more is known without looking at every column."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("credits", "0006_what_is_agreed_and_attested_stays")]

    operations = [
        migrations.AddField(
            "contribution", "told", models.CharField(editable=False, max_length=32, null=True)
        ),
    ]
