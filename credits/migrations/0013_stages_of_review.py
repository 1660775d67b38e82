"""A claim goes through the stages of review that its rulebook names; the database holds their order."""

import re
from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
-- A claim goes its way in one direction, one stage of review after the other; from its submission on, what it is
-- decided by never changes.
CREATE OR REPLACE FUNCTION credits_claim_holds() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- Nobody decides on, or records, their own claim, nor decides in two stages of one; nothing is refused or reduced
-- that was not proposed before, in the same stage or in the one before it.
CREATE OR REPLACE FUNCTION credits_decision_holds() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION credits_result_holds() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""

BACKWARD = "".join(
    re.findall(
        r"CREATE FUNCTION credits_(?:claim|decision|result)_holds\(\).*?\n\$\$;\n",
        import_module("credits.migrations.0003_claims_hold").FORWARD,
        re.DOTALL,
    )
).replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_credit_committees"),
        ("credits", "0012_who_wrote_the_branch"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("claim", "stage", models.PositiveSmallIntegerField(default=1)),
        migrations.AddField("claim", "stage_by", models.CharField(default="instructors", max_length=30)),
        migrations.AddField(
            "decision",
            "confirmed_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("decision", "confirmed_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(
                condition=models.Q(("confirmed_at", None), ("confirmed_by", None))
                | models.Q(
                    ("confirmed_at__isnull", False), ("confirmed_by__isnull", False), ("standing", "final")
                ),
                name="what_is_confirmed_is_final",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
