"""What the database itself refuses of rulebooks, claims and decisions (invariants 3, 6 and 8)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION credits_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % stay: no %', TG_TABLE_NAME, lower(TG_OP) USING ERRCODE = 'restrict_violation';
END
$$;

-- Assessments, answers and results are written once.
CREATE TRIGGER assessment_stays BEFORE UPDATE OR DELETE ON credits_assessment
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER hearing_answer_stays BEFORE UPDATE OR DELETE ON credits_hearinganswer
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER result_stays BEFORE UPDATE OR DELETE ON credits_result
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER decision_not_deleted BEFORE DELETE ON credits_decision
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER assessments_stay BEFORE TRUNCATE ON credits_assessment
    FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER hearing_answers_stay BEFORE TRUNCATE ON credits_hearinganswer
    FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER results_stay BEFORE TRUNCATE ON credits_result
    FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER decisions_stay BEFORE TRUNCATE ON credits_decision
    FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER rulebook_versions_stay BEFORE TRUNCATE ON credits_rulebookversion
    FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER claims_stay BEFORE TRUNCATE ON credits_claim
    FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse();

-- A published version never changes; it may be retired.
CREATE FUNCTION credits_rulebook_version_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'proposed' AND (TG_OP = 'DELETE' OR
        ROW(NEW.id, NEW.rulebook_id, NEW.number) IS NOT DISTINCT FROM ROW(OLD.id, OLD.rulebook_id, OLD.number))
    THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status IN ('published', 'retired') AND NEW.status IN (OLD.status, 'retired')
        AND to_jsonb(NEW) - 'status' = to_jsonb(OLD) - 'status'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published rulebook version never changes' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER rulebook_version_holds BEFORE UPDATE OR DELETE ON credits_rulebookversion
    FOR EACH ROW EXECUTE FUNCTION credits_rulebook_version_holds();

-- What is in force in a round stands before the first claim is submitted in it.
CREATE FUNCTION credits_round_rulebook_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[] := ARRAY[]::bigint[];
BEGIN
    IF TG_OP <> 'DELETE' THEN
        touched := touched || NEW.round_id;
        IF (SELECT status FROM credits_rulebookversion WHERE id = NEW.version_id) = 'proposed' THEN
            RAISE EXCEPTION 'a version that is not published cannot be in force'
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        touched := touched || OLD.round_id;
    END IF;
    IF EXISTS (SELECT 1 FROM credits_claim WHERE round_id = ANY (touched) AND submitted_at IS NOT NULL) THEN
        RAISE EXCEPTION 'claims were submitted in this round: the rulebooks in force in it stay'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER round_rulebook_holds BEFORE INSERT OR UPDATE OR DELETE ON credits_roundrulebook
    FOR EACH ROW EXECUTE FUNCTION credits_round_rulebook_holds();

-- A claim goes its way in one direction; from its submission on, what it is decided by never changes.
CREATE FUNCTION credits_claim_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.submitted_at IS NOT NULL THEN
            RAISE EXCEPTION 'a submitted claim is never deleted' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF ROW(NEW.id, NEW.public_id, NEW.round_id, NEW.user_id, NEW.created_at)
        IS DISTINCT FROM ROW(OLD.id, OLD.public_id, OLD.round_id, OLD.user_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'a claim stays its student''s, in its round' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.submitted_at IS NOT NULL
        AND ROW(NEW.enrolment_id, NEW.version_id, NEW.facts, NEW.facts_digest, NEW.submitted_at)
        IS DISTINCT FROM ROW(OLD.enrolment_id, OLD.version_id, OLD.facts, OLD.facts_digest, OLD.submitted_at)
    THEN
        RAISE EXCEPTION 'what a claim was submitted with is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status AND NOT (OLD.status || '>' || NEW.status) IN (
        'draft>submitted', 'draft>withdrawn',
        'submitted>hearing', 'submitted>notice', 'submitted>withdrawn',
        'hearing>notice', 'hearing>refused', 'hearing>withdrawn',
        'notice>recorded'
    ) THEN
        RAISE EXCEPTION 'a claim does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER claim_holds BEFORE UPDATE OR DELETE ON credits_claim
    FOR EACH ROW EXECUTE FUNCTION credits_claim_holds();

-- Items come and go in a draft only; they stop being live where the claim is over for them, and never begin again.
CREATE FUNCTION credits_claim_item_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF ROW(NEW.id, NEW.claim_id, NEW.authorship_id) IS DISTINCT FROM ROW(OLD.id, OLD.claim_id, OLD.authorship_id)
            OR (NEW.live AND NOT OLD.live)
        THEN
            RAISE EXCEPTION 'a contribution in a claim is not exchanged or brought back'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.live = OLD.live THEN
            RETURN NEW;
        END IF;
    END IF;
    SELECT status INTO stands FROM credits_claim
        WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.claim_id ELSE NEW.claim_id END FOR SHARE;
    IF stands IS NULL OR stands = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND (
        stands = 'withdrawn' OR EXISTS (SELECT 1 FROM credits_result WHERE claim_id = NEW.claim_id)
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the contributions of a submitted claim stay' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER claim_item_holds BEFORE INSERT OR UPDATE OR DELETE ON credits_claimitem
    FOR EACH ROW EXECUTE FUNCTION credits_claim_item_holds();

-- Nobody decides on, or records, their own claim; nothing is refused or reduced that was not proposed before.
CREATE FUNCTION credits_decision_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    claimant bigint;
    assessed bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - 'standing' <> to_jsonb(OLD) - 'standing'
            OR (NEW.standing <> OLD.standing AND OLD.standing <> 'proposed')
        THEN
            RAISE EXCEPTION 'a decision never changes: another one replaces a proposal'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT user_id INTO claimant FROM credits_claim WHERE id = NEW.claim_id;
    IF claimant = NEW.decided_by_id THEN
        RAISE EXCEPTION 'nobody decides on their own claim' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT claim_id INTO assessed FROM credits_assessment WHERE id = NEW.assessment_id;
    IF assessed IS DISTINCT FROM NEW.claim_id THEN
        RAISE EXCEPTION 'a decision stands on an assessment of its own claim' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.standing = 'final' AND NEW.verdict <> 'approve'
        AND NOT EXISTS (SELECT 1 FROM credits_decision WHERE claim_id = NEW.claim_id)
    THEN
        RAISE EXCEPTION 'nothing is refused or reduced before the student was heard'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decision_holds BEFORE INSERT OR UPDATE ON credits_decision
    FOR EACH ROW EXECUTE FUNCTION credits_decision_holds();

CREATE FUNCTION credits_result_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.recorded_by_id = (SELECT user_id FROM credits_claim WHERE id = NEW.claim_id) THEN
        RAISE EXCEPTION 'nobody records the result of their own claim' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM credits_decision
        WHERE id = NEW.decision_id AND claim_id = NEW.claim_id AND standing = 'final'
    ) THEN
        RAISE EXCEPTION 'a result stands on the final decision of its claim' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER result_holds BEFORE INSERT ON credits_result
    FOR EACH ROW EXECUTE FUNCTION credits_result_holds();
"""

BACKWARD = """
DROP TRIGGER result_holds ON credits_result;
DROP TRIGGER decision_holds ON credits_decision;
DROP TRIGGER claim_item_holds ON credits_claimitem;
DROP TRIGGER claim_holds ON credits_claim;
DROP TRIGGER round_rulebook_holds ON credits_roundrulebook;
DROP TRIGGER rulebook_version_holds ON credits_rulebookversion;
DROP TRIGGER claims_stay ON credits_claim;
DROP TRIGGER rulebook_versions_stay ON credits_rulebookversion;
DROP TRIGGER decisions_stay ON credits_decision;
DROP TRIGGER results_stay ON credits_result;
DROP TRIGGER hearing_answers_stay ON credits_hearinganswer;
DROP TRIGGER assessments_stay ON credits_assessment;
DROP TRIGGER decision_not_deleted ON credits_decision;
DROP TRIGGER result_stays ON credits_result;
DROP TRIGGER hearing_answer_stays ON credits_hearinganswer;
DROP TRIGGER assessment_stays ON credits_assessment;
DROP FUNCTION credits_result_holds();
DROP FUNCTION credits_decision_holds();
DROP FUNCTION credits_claim_item_holds();
DROP FUNCTION credits_claim_holds();
DROP FUNCTION credits_round_rulebook_holds();
DROP FUNCTION credits_rulebook_version_holds();
DROP FUNCTION credits_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_contributions_hold")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
