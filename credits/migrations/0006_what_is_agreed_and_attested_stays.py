"""What the database itself refuses of shares, consents, second looks and attested work (invariants 2, 3 and 8)."""

from django.db import migrations

FORWARD = """
-- A share that stands in a submitted claim is what that claim was decided by.
CREATE FUNCTION credits_frozen_share_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM credits_claimitem i
        JOIN credits_authorship a ON a.id = i.authorship_id
        JOIN credits_claim c ON c.id = i.claim_id
        WHERE a.contribution_id = NEW.contribution_id AND i.live AND c.submitted_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the shares of contribution % stand in a submitted claim', NEW.contribution_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER frozen_share_stays BEFORE UPDATE OF share ON credits_authorship
    FOR EACH ROW WHEN (NEW.share IS DISTINCT FROM OLD.share)
    EXECUTE FUNCTION credits_frozen_share_stays();

CREATE TRIGGER share_consent_stays BEFORE UPDATE OR DELETE ON credits_shareconsent
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();

CREATE FUNCTION credits_share_proposal_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'open'
        OR to_jsonb(NEW) - 'status' - 'closed_at' <> to_jsonb(OLD) - 'status' - 'closed_at'
    THEN
        RAISE EXCEPTION 'a proposal of shares is closed once, and never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER share_proposal_holds BEFORE UPDATE OR DELETE ON credits_shareproposal
    FOR EACH ROW EXECUTE FUNCTION credits_share_proposal_holds();

CREATE FUNCTION credits_attested_work_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'waiting'
        OR to_jsonb(NEW) - ARRAY['status', 'decided_by_id', 'decided_at', 'reason', 'contribution_id']
            <> to_jsonb(OLD) - ARRAY['status', 'decided_by_id', 'decided_at', 'reason', 'contribution_id']
    THEN
        RAISE EXCEPTION 'attested work is decided once, and never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.decided_by_id = NEW.user_id THEN
        RAISE EXCEPTION 'nobody decides on their own work' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attested_work_holds BEFORE UPDATE OR DELETE ON credits_attestedwork
    FOR EACH ROW EXECUTE FUNCTION credits_attested_work_holds();

CREATE FUNCTION credits_maintainer_word_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.used_at IS NOT NULL
        OR to_jsonb(NEW) - ARRAY['used_at', 'login', 'confirms', 'text', 'expires_at']
            <> to_jsonb(OLD) - ARRAY['used_at', 'login', 'confirms', 'text', 'expires_at']
        OR NEW.expires_at > OLD.expires_at
    THEN
        RAISE EXCEPTION 'a maintainer''s word is given once, and never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER maintainer_word_holds BEFORE UPDATE OR DELETE ON credits_maintainerword
    FOR EACH ROW EXECUTE FUNCTION credits_maintainer_word_holds();

CREATE FUNCTION credits_claim_flag_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.answered_at IS NOT NULL
        OR to_jsonb(NEW) - ARRAY['answered_by_id', 'answered_at', 'answer']
            <> to_jsonb(OLD) - ARRAY['answered_by_id', 'answered_at', 'answer']
        OR NEW.answered_by_id = (SELECT user_id FROM credits_claim WHERE id = NEW.claim_id)
    THEN
        RAISE EXCEPTION 'a flag is answered once, and not by the student' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER claim_flag_holds BEFORE UPDATE OR DELETE ON credits_claimflag
    FOR EACH ROW EXECUTE FUNCTION credits_claim_flag_holds();
"""

BACKWARD = """
DROP TRIGGER claim_flag_holds ON credits_claimflag;
DROP TRIGGER maintainer_word_holds ON credits_maintainerword;
DROP TRIGGER attested_work_holds ON credits_attestedwork;
DROP TRIGGER share_proposal_holds ON credits_shareproposal;
DROP TRIGGER share_consent_stays ON credits_shareconsent;
DROP TRIGGER frozen_share_stays ON credits_authorship;
DROP FUNCTION credits_claim_flag_holds();
DROP FUNCTION credits_maintainer_word_holds();
DROP FUNCTION credits_attested_work_holds();
DROP FUNCTION credits_share_proposal_holds();
DROP FUNCTION credits_frozen_share_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0005_the_same_work_once")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
