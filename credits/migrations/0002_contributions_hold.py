"""What the database itself refuses of contributions and their shares (invariant 3), and why a lane is closed."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION credits_shares_within_one() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
BEGIN
    -- Inserting an opener holds the contribution's key by its foreign key alone, which is free. Any other change takes
    -- the row itself and so waits for those: whichever commits last sees the other's share.
    IF TG_OP = 'UPDATE' OR NEW.role <> 'author' THEN
        PERFORM 1 FROM credits_contribution WHERE id = NEW.contribution_id FOR UPDATE;
    END IF;
    SELECT sum(share) INTO total FROM credits_authorship WHERE contribution_id = NEW.contribution_id;
    IF total > 1 THEN
        RAISE EXCEPTION 'the shares of contribution % add up to %, more than 1', NEW.contribution_id, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'shares_within_one';
    END IF;
    RETURN NULL;
END
$$;
-- Deferred, since a share passes from one person to another in two steps.
CREATE CONSTRAINT TRIGGER shares_within_one AFTER INSERT OR UPDATE OF share, contribution_id ON credits_authorship
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.share > 0)
    EXECUTE FUNCTION credits_shares_within_one();

CREATE FUNCTION credits_evidence_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'evidence is kept as it was: no %', lower(TG_OP) USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER evidence_stays BEFORE UPDATE ON credits_evidence
    FOR EACH ROW EXECUTE FUNCTION credits_evidence_refuses();
CREATE TRIGGER all_evidence_stays BEFORE TRUNCATE ON credits_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION credits_evidence_refuses();

CREATE FUNCTION credits_evidence_goes_with_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM credits_contribution WHERE id = OLD.contribution_id) THEN
        RAISE EXCEPTION 'evidence goes only together with its contribution' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER evidence_goes_with_all AFTER DELETE ON credits_evidence
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credits_evidence_goes_with_all();

CREATE FUNCTION credits_contribution_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a contribution is never changes, only what is known of it' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER contribution_keeps BEFORE UPDATE OF repository_id, kind, number, collected_at ON credits_contribution
    FOR EACH ROW
    WHEN (ROW(NEW.repository_id, NEW.kind, NEW.number, NEW.collected_at)
          IS DISTINCT FROM ROW(OLD.repository_id, OLD.kind, OLD.number, OLD.collected_at))
    EXECUTE FUNCTION credits_contribution_keeps();
CREATE TRIGGER repository_keeps BEFORE UPDATE OF forge, forge_id ON credits_repository
    FOR EACH ROW
    WHEN (ROW(NEW.forge, NEW.forge_id) IS DISTINCT FROM ROW(OLD.forge, OLD.forge_id))
    EXECUTE FUNCTION credits_contribution_keeps();
CREATE TRIGGER authorship_keeps BEFORE UPDATE OF contribution_id, forge, forge_user_id ON credits_authorship
    FOR EACH ROW
    WHEN (ROW(NEW.contribution_id, NEW.forge, NEW.forge_user_id)
          IS DISTINCT FROM ROW(OLD.contribution_id, OLD.forge, OLD.forge_user_id))
    EXECUTE FUNCTION credits_contribution_keeps();
"""

BACKWARD = """
DROP TRIGGER authorship_keeps ON credits_authorship;
DROP TRIGGER repository_keeps ON credits_repository;
DROP TRIGGER contribution_keeps ON credits_contribution;
DROP FUNCTION credits_contribution_keeps();
DROP TRIGGER evidence_goes_with_all ON credits_evidence;
DROP FUNCTION credits_evidence_goes_with_all();
DROP TRIGGER all_evidence_stays ON credits_evidence;
DROP TRIGGER evidence_stays ON credits_evidence;
DROP FUNCTION credits_evidence_refuses();
DROP TRIGGER shares_within_one ON credits_authorship;
DROP FUNCTION credits_shares_within_one();
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [
        migrations.AddField(
            "lane", "error_code", models.CharField(blank=True, max_length=60, default=""), False
        ),
        migrations.AddField("lane", "error_message", models.TextField(blank=True, default=""), False),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
