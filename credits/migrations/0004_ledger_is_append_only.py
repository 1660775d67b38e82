"""The ledger only grows: each row continues the chain, and none is changed or removed (invariant 7)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION credits_ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed or removed: no %', lower(TG_OP)
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER ledger_entry_stays BEFORE UPDATE OR DELETE ON credits_creditentry
    FOR EACH ROW EXECUTE FUNCTION credits_ledger_refuses();
CREATE TRIGGER ledger_stays BEFORE TRUNCATE ON credits_creditentry
    FOR EACH STATEMENT EXECUTE FUNCTION credits_ledger_refuses();

CREATE FUNCTION credits_ledger_continues() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    SELECT number, hash INTO last FROM credits_creditentry ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.previous_hash <> coalesce(last.hash, repeat('0', 64)) THEN
        RAISE EXCEPTION 'a ledger entry continues the chain from entry %', coalesce(last.number, 0)
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER ledger_entry_continues BEFORE INSERT ON credits_creditentry
    FOR EACH ROW EXECUTE FUNCTION credits_ledger_continues();
"""

BACKWARD = """
DROP TRIGGER ledger_entry_continues ON credits_creditentry;
DROP TRIGGER ledger_stays ON credits_creditentry;
DROP TRIGGER ledger_entry_stays ON credits_creditentry;
DROP FUNCTION credits_ledger_continues();
DROP FUNCTION credits_ledger_refuses();
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0003_claims_hold")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
