"""What the database itself refuses in forge accounts and in the audit log: triggers and their functions.

Each group says in a comment which invariant it keeps; docs/invariants.md lists them all.
"""

from django.db import migrations

REFUSE = """
-- The function of every trigger that forbids a command outright.
CREATE FUNCTION accounts_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % stay: no %', TG_TABLE_NAME, lower(TG_OP)
        USING ERRCODE = 'restrict_violation';
END
$$;
"""

# Dropping a function with CASCADE drops its triggers too.
DROP_REFUSE = "DROP FUNCTION accounts_refuse() CASCADE;"

AUDIT_LOG = """
-- Invariant 11: no line of the audit log is changed or removed.
CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse();
CREATE TRIGGER audit_log_stays BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse();
"""

DROP_AUDIT_LOG = """
DROP TRIGGER audit_log_stays ON accounts_auditentry;
DROP TRIGGER audit_entry_stays ON accounts_auditentry;
"""

FORGE_ACCOUNTS = """
-- Invariant 1: no link between a person and a forge account is ever deleted.
CREATE TRIGGER forge_account_stays BEFORE DELETE ON accounts_forgeaccount
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse();
CREATE TRIGGER forge_accounts_stay BEFORE TRUNCATE ON accounts_forgeaccount
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse();

-- Invariant 1: a link keeps its person, its identity on the forge and its proof, and it ends once.
CREATE FUNCTION accounts_forge_account_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The login is a label, the node id may be learnt later, and a link may end once.
    IF ROW(NEW.id, NEW.user_id, NEW.forge, NEW.forge_user_id, NEW.proof, NEW.attested_by_id, NEW.reason, NEW.linked_at)
        IS DISTINCT FROM
        ROW(OLD.id, OLD.user_id, OLD.forge, OLD.forge_user_id, OLD.proof, OLD.attested_by_id, OLD.reason, OLD.linked_at)
    THEN
        RAISE EXCEPTION 'a forge account never changes hands, identity or proof' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.node_id <> '' AND NEW.node_id <> OLD.node_id THEN
        RAISE EXCEPTION 'the node id of a forge account does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.unlinked_at IS NOT NULL AND NEW.unlinked_at IS DISTINCT FROM OLD.unlinked_at THEN
        RAISE EXCEPTION 'an unlinked forge account stays unlinked: linking again makes a new row'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER forge_account_keeps BEFORE UPDATE ON accounts_forgeaccount
    FOR EACH ROW EXECUTE FUNCTION accounts_forge_account_keeps();

-- Invariant 1: an account that was linked to one person is linked to another only by a registrar's recorded decision.
-- The trigger runs after the insert: by then the unique index has made a concurrent insert wait, so its row is visible.
CREATE FUNCTION accounts_forge_account_was_nobodys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.proof <> 'attested' AND EXISTS (
        SELECT 1 FROM accounts_forgeaccount
        WHERE forge = NEW.forge AND forge_user_id = NEW.forge_user_id AND user_id <> NEW.user_id
    ) THEN
        RAISE EXCEPTION 'this forge account was once another person''s: only a registrar''s recorded decision moves it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER forge_account_was_nobodys AFTER INSERT ON accounts_forgeaccount
    FOR EACH ROW EXECUTE FUNCTION accounts_forge_account_was_nobodys();
"""

DROP_FORGE_ACCOUNTS = """
DROP FUNCTION accounts_forge_account_was_nobodys() CASCADE;
DROP FUNCTION accounts_forge_account_keeps() CASCADE;
DROP TRIGGER forge_accounts_stay ON accounts_forgeaccount;
DROP TRIGGER forge_account_stays ON accounts_forgeaccount;
"""


class Migration(migrations.Migration):
    replaces = [("accounts", "0002_history_stays")]

    dependencies = [("accounts", "0001_schema")]

    operations = [
        migrations.RunSQL(REFUSE, DROP_REFUSE),
        migrations.RunSQL(AUDIT_LOG, DROP_AUDIT_LOG),
        migrations.RunSQL(FORGE_ACCOUNTS, DROP_FORGE_ACCOUNTS),
    ]
