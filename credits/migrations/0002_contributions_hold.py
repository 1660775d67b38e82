"""What the database itself refuses of contributions and their shares."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = []
