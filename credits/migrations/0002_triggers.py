"""What the database itself refuses in contributions, claims, rulebooks, the ledger and exports: triggers and functions.

Each group says in a comment which invariant it keeps; docs/invariants.md lists them all. Dropping a function with
CASCADE, as each way back does, drops its triggers too.
"""

from django.db import migrations

WRITTEN_ONCE = """
-- Invariants 3, 4, 8 and 11: assessments, answers, results, consents and export batches are written once, and no
-- decision is deleted.
CREATE FUNCTION credits_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % stay: no %', TG_TABLE_NAME, lower(TG_OP) USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER assessment_stays BEFORE UPDATE OR DELETE ON credits_assessment
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER hearing_answer_stays BEFORE UPDATE OR DELETE ON credits_hearinganswer
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER result_stays BEFORE UPDATE OR DELETE ON credits_result
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER decision_not_deleted BEFORE DELETE ON credits_decision
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER share_consent_stays BEFORE UPDATE OR DELETE ON credits_shareconsent
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();
CREATE TRIGGER export_batch_stays BEFORE UPDATE OR DELETE ON credits_exportbatch
    FOR EACH ROW EXECUTE FUNCTION credits_refuse();

-- TRUNCATE runs no trigger for each row, so it is refused separately.
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
"""

DROP_WRITTEN_ONCE = "DROP FUNCTION credits_refuse() CASCADE;"

CONTRIBUTIONS = """
-- Invariant 2: a contribution, a repository and an authorship keep their identity. Only what is known about them
-- changes.
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

-- Invariants 2 and 4: evidence is kept as the forge returned it, and is deleted only together with its contribution.
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
"""

DROP_CONTRIBUTIONS = """
DROP FUNCTION credits_evidence_goes_with_all() CASCADE;
DROP FUNCTION credits_evidence_refuses() CASCADE;
DROP FUNCTION credits_contribution_keeps() CASCADE;
"""

SHARES = """
-- Invariant 3: the shares of a contribution add up to 1 at most.
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
-- Deferred, because a share passes from one person to another in two statements.
CREATE CONSTRAINT TRIGGER shares_within_one AFTER INSERT OR UPDATE OF share, contribution_id ON credits_authorship
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.share > 0)
    EXECUTE FUNCTION credits_shares_within_one();

-- Invariant 3: no share of a contribution changes while a submitted claim contains one of them.
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

-- Invariant 3: a proposal of shares never changes, and is closed once.
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
"""

DROP_SHARES = """
DROP FUNCTION credits_share_proposal_holds() CASCADE;
DROP FUNCTION credits_frozen_share_stays() CASCADE;
DROP FUNCTION credits_shares_within_one() CASCADE;
"""

ATTESTED_WORK = """
-- Invariant 8: a report of attested work is decided once, and never by the person who reported it.
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

-- A maintainer's statement is given once. Its link may be made to expire earlier, never later.
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
"""

DROP_ATTESTED_WORK = """
DROP FUNCTION credits_maintainer_word_holds() CASCADE;
DROP FUNCTION credits_attested_work_holds() CASCADE;
"""

RULEBOOKS = """
-- Invariant 6: a published version never changes; it may only be retired. A proposed version may be edited or deleted.
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

-- Invariant 6: only a published version is in force in a round, and the versions in force in a round stay the same
-- from the first submission of a claim in that round.
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
"""

DROP_RULEBOOKS = """
DROP FUNCTION credits_round_rulebook_holds() CASCADE;
DROP FUNCTION credits_rulebook_version_holds() CASCADE;
"""

CLAIMS = """
-- Invariants 4, 6 and 8: a claim moves in one direction, through one stage of review after another. From its
-- submission on, its enrolment, rulebook version and facts never change, and it is never deleted.
CREATE FUNCTION credits_claim_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    step text := OLD.status || '>' || NEW.status;
    onward boolean;
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
    onward := NEW.stage IS DISTINCT FROM OLD.stage;
    IF onward AND NOT (
        NEW.stage = OLD.stage + 1 AND step IN ('submitted>submitted', 'hearing>submitted')
        AND EXISTS (
            SELECT 1 FROM credits_decision WHERE claim_id = NEW.id AND stage = OLD.stage AND standing = 'final'
        )
    ) THEN
        RAISE EXCEPTION 'a claim goes to the next stage of review when the one before has decided'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status AND NOT onward AND NOT (step IN (
        'draft>submitted', 'draft>withdrawn',
        'submitted>hearing', 'submitted>notice', 'submitted>withdrawn',
        'hearing>notice', 'hearing>refused', 'hearing>withdrawn',
        'notice>recorded'
    ) OR (step = 'submitted>refused' AND NEW.stage > 1)) THEN
        RAISE EXCEPTION 'a claim does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status AND NEW.status IN ('notice', 'refused') AND NEW.stage < (
        SELECT jsonb_array_length(canonical::jsonb #> '{review,stages}')
        FROM credits_rulebookversion WHERE id = NEW.version_id
    ) THEN
        RAISE EXCEPTION 'a claim is finally decided in the last stage of review'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER claim_holds BEFORE UPDATE OR DELETE ON credits_claim
    FOR EACH ROW EXECUTE FUNCTION credits_claim_holds();

-- Invariant 3: items are added and removed in a draft only. An item stops being live when the claim is withdrawn or
-- has a result, and never becomes live again.
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

-- Invariant 8: a flag on a claim is answered once, and never by the claimant.
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

DROP_CLAIMS = """
DROP FUNCTION credits_claim_flag_holds() CASCADE;
DROP FUNCTION credits_claim_item_holds() CASCADE;
DROP FUNCTION credits_claim_holds() CASCADE;
"""

DECISIONS = """
-- Invariant 8: nobody decides on their own claim, or in two stages of one claim. A decision is made in the stage that
-- the claim is in, and never changes. Nothing is refused or reduced unless it was proposed before, in the same stage or
-- in the one before it.
CREATE FUNCTION credits_decision_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    claimant bigint;
    stands smallint;
    assessed bigint;
BEGIN
    SELECT user_id, stage INTO claimant, stands FROM credits_claim WHERE id = NEW.claim_id;
    IF claimant = NEW.decided_by_id OR claimant = NEW.confirmed_by_id THEN
        RAISE EXCEPTION 'nobody decides on their own claim' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM credits_decision
        WHERE claim_id = NEW.claim_id AND stage <> NEW.stage
            AND (decided_by_id IN (NEW.decided_by_id, NEW.confirmed_by_id)
                OR confirmed_by_id IN (NEW.decided_by_id, NEW.confirmed_by_id))
    ) THEN
        RAISE EXCEPTION 'nobody decides in two stages of one claim' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - ARRAY['standing', 'confirmed_by_id', 'confirmed_at']
                <> to_jsonb(OLD) - ARRAY['standing', 'confirmed_by_id', 'confirmed_at']
            OR (NEW.standing <> OLD.standing AND OLD.standing <> 'proposed')
            OR (
                ROW(NEW.confirmed_by_id, NEW.confirmed_at)
                    IS DISTINCT FROM ROW(OLD.confirmed_by_id, OLD.confirmed_at)
                AND NOT (OLD.standing = 'proposed' AND NEW.standing = 'final')
            )
        THEN
            RAISE EXCEPTION 'a decision never changes: another one replaces a proposal'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.stage <> stands THEN
        RAISE EXCEPTION 'a claim is decided on in the stage of review at which it is'
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT claim_id INTO assessed FROM credits_assessment WHERE id = NEW.assessment_id;
    IF assessed IS DISTINCT FROM NEW.claim_id THEN
        RAISE EXCEPTION 'a decision stands on an assessment of its own claim' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.standing = 'final' AND NEW.verdict <> 'approve' AND NOT EXISTS (
        SELECT 1 FROM credits_decision
        WHERE claim_id = NEW.claim_id AND verdict <> 'approve'
            AND (stage = NEW.stage OR (stage = NEW.stage - 1 AND standing = 'final'))
    ) THEN
        RAISE EXCEPTION 'nothing is refused or reduced before the student was heard'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decision_holds BEFORE INSERT OR UPDATE ON credits_decision
    FOR EACH ROW EXECUTE FUNCTION credits_decision_holds();

-- Invariant 8: a result records the final decision of the last stage. Neither the claimant nor anyone who decided on
-- the claim records it.
CREATE FUNCTION credits_result_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    claimant bigint;
    stands smallint;
BEGIN
    SELECT user_id, stage INTO claimant, stands FROM credits_claim WHERE id = NEW.claim_id;
    IF NEW.recorded_by_id = claimant THEN
        RAISE EXCEPTION 'nobody records the result of their own claim' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM credits_decision
        WHERE claim_id = NEW.claim_id AND NEW.recorded_by_id IN (decided_by_id, confirmed_by_id)
    ) THEN
        RAISE EXCEPTION 'whoever decided does not record' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM credits_decision
        WHERE id = NEW.decision_id AND claim_id = NEW.claim_id AND stage = stands AND standing = 'final'
    ) THEN
        RAISE EXCEPTION 'a result stands on the final decision of its claim' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER result_holds BEFORE INSERT ON credits_result
    FOR EACH ROW EXECUTE FUNCTION credits_result_holds();
"""

DROP_DECISIONS = """
DROP FUNCTION credits_result_holds() CASCADE;
DROP FUNCTION credits_decision_holds() CASCADE;
"""

LEDGER = """
-- Invariant 7: ledger entries are never changed or deleted.
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

-- Invariant 7: each entry has the next number and the hash of the entry before it.
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

DROP_LEDGER = """
DROP FUNCTION credits_ledger_continues() CASCADE;
DROP FUNCTION credits_ledger_refuses() CASCADE;
"""


class Migration(migrations.Migration):
    # Some of these added columns too; the columns are in 0001_schema.
    replaces = [
        ("credits", "0002_contributions_hold"),
        ("credits", "0003_claims_hold"),
        ("credits", "0004_ledger_is_append_only"),
        ("credits", "0006_what_is_agreed_and_attested_stays"),
        ("credits", "0009_batches_stay"),
        ("credits", "0013_stages_of_review"),
    ]

    dependencies = [
        ("accounts", "0002_triggers"),
        ("credits", "0001_schema"),
    ]

    operations = [
        migrations.RunSQL(WRITTEN_ONCE, DROP_WRITTEN_ONCE),
        migrations.RunSQL(CONTRIBUTIONS, DROP_CONTRIBUTIONS),
        migrations.RunSQL(SHARES, DROP_SHARES),
        migrations.RunSQL(ATTESTED_WORK, DROP_ATTESTED_WORK),
        migrations.RunSQL(RULEBOOKS, DROP_RULEBOOKS),
        migrations.RunSQL(CLAIMS, DROP_CLAIMS),
        migrations.RunSQL(DECISIONS, DROP_DECISIONS),
        migrations.RunSQL(LEDGER, DROP_LEDGER),
    ]
