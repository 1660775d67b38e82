"""What was handed out stays as it was noted: no export batch is changed or removed."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER export_batch_stays BEFORE UPDATE OR DELETE ON credits_exportbatch
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
"""

BACKWARD = """
DROP TRIGGER export_batch_stays ON credits_exportbatch;
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0008_longer_codes_of_batches")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
