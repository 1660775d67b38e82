"""Jobs that somebody holds, found without looking at all the others; built without a lock."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("credits", "0010_simulations_and_drafts")]

    operations = [
        AddIndexConcurrently(
            "job",
            models.Index(
                condition=models.Q(("holder__isnull", False)), fields=["kind", "lane"], name="job_held"
            ),
        ),
    ]
