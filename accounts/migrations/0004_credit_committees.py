"""Members of credit committees, who decide in later stages of review."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_whose_an_account_was")]

    operations = [
        migrations.AlterField(
            model_name="staffrole",
            name="role",
            field=models.CharField(
                choices=[
                    ("instructor", "instructor"),
                    ("committee", "member of the credit committee"),
                    ("registrar", "registrar"),
                    ("steward", "steward of rulebooks"),
                    ("admin", "administrator"),
                ],
                max_length=20,
            ),
        ),
    ]
