"""A batch's code is its round's, up to 60 characters, with the second of its making: room for both."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("credits", "0007_what_was_told_last")]

    operations = [
        migrations.AlterField(
            "exportbatch", "code", models.CharField(max_length=100, unique=True, verbose_name="code")
        ),
    ]
