"""The migrations make the triggers that keep the invariants, and know a database that earlier migrations made; the
page about the invariants says what is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

TRIGGERS = {
    "accounts_auditentry": {
        "audit_entry_stays": "accounts_refuse",
        "audit_log_stays": "accounts_refuse",
    },
    "accounts_forgeaccount": {
        "forge_account_keeps": "accounts_forge_account_keeps",
        "forge_account_stays": "accounts_refuse",
        "forge_account_was_nobodys": "accounts_forge_account_was_nobodys",
        "forge_accounts_stay": "accounts_refuse",
    },
    "credits_assessment": {
        "assessment_stays": "credits_refuse",
        "assessments_stay": "credits_refuse",
    },
    "credits_attestedwork": {"attested_work_holds": "credits_attested_work_holds"},
    "credits_authorship": {
        "authorship_keeps": "credits_contribution_keeps",
        "frozen_share_stays": "credits_frozen_share_stays",
        "shares_within_one": "credits_shares_within_one",
    },
    "credits_claim": {
        "claim_holds": "credits_claim_holds",
        "claims_stay": "credits_refuse",
    },
    "credits_claimflag": {"claim_flag_holds": "credits_claim_flag_holds"},
    "credits_claimitem": {"claim_item_holds": "credits_claim_item_holds"},
    "credits_contribution": {"contribution_keeps": "credits_contribution_keeps"},
    "credits_creditentry": {
        "ledger_entry_continues": "credits_ledger_continues",
        "ledger_entry_stays": "credits_ledger_refuses",
        "ledger_stays": "credits_ledger_refuses",
    },
    "credits_decision": {
        "decision_holds": "credits_decision_holds",
        "decision_not_deleted": "credits_refuse",
        "decisions_stay": "credits_refuse",
    },
    "credits_evidence": {
        "all_evidence_stays": "credits_evidence_refuses",
        "evidence_goes_with_all": "credits_evidence_goes_with_all",
        "evidence_stays": "credits_evidence_refuses",
    },
    "credits_exportbatch": {"export_batch_stays": "credits_refuse"},
    "credits_hearinganswer": {
        "hearing_answer_stays": "credits_refuse",
        "hearing_answers_stay": "credits_refuse",
    },
    "credits_maintainerword": {"maintainer_word_holds": "credits_maintainer_word_holds"},
    "credits_repository": {"repository_keeps": "credits_contribution_keeps"},
    "credits_result": {
        "result_holds": "credits_result_holds",
        "result_stays": "credits_refuse",
        "results_stay": "credits_refuse",
    },
    "credits_roundrulebook": {"round_rulebook_holds": "credits_round_rulebook_holds"},
    "credits_rulebookversion": {
        "rulebook_version_holds": "credits_rulebook_version_holds",
        "rulebook_versions_stay": "credits_refuse",
    },
    "credits_shareconsent": {"share_consent_stays": "credits_refuse"},
    "credits_shareproposal": {"share_proposal_holds": "credits_share_proposal_holds"},
}
"""The function of each trigger, by table. docs/invariants.md says what each is for."""

EARLIER = [
    ("accounts", "0001_initial"),
    ("accounts", "0002_history_stays"),
    ("accounts", "0003_whose_an_account_was"),
    ("accounts", "0004_credit_committees"),
    ("credits", "0001_initial"),
    ("credits", "0002_contributions_hold"),
    ("credits", "0003_claims_hold"),
    ("credits", "0004_ledger_is_append_only"),
    ("credits", "0005_the_same_work_once"),
    ("credits", "0006_what_is_agreed_and_attested_stays"),
    ("credits", "0007_what_was_told_last"),
    ("credits", "0008_longer_codes_of_batches"),
    ("credits", "0009_batches_stay"),
    ("credits", "0010_simulations_and_drafts"),
    ("credits", "0011_jobs_that_are_held"),
    ("credits", "0012_who_wrote_the_branch"),
    ("credits", "0013_stages_of_review"),
]
"""The migrations that were squashed, in order."""
ROOT = Path(__file__).parent.parent
INVARIANTS = (ROOT / "docs" / "invariants.md").read_text()
SQUASHED = [(app, name) for app in ("accounts", "credits") for name in ("0001_schema", "0002_triggers")]


@pytest.mark.django_db
def test_every_trigger_is_there_and_enabled() -> None:
    """The database has these triggers and no others, each runs its function, and none is switched off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgrelid::regclass::text, t.tgname, p.proname, t.tgenabled FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace")
        functions = {name for (name,) in cursor.fetchall()}
    found: dict[str, dict[str, str]] = {}
    for table, trigger, function, _enabled in rows:
        found.setdefault(table, {})[trigger] = function
    assert found == TRIGGERS
    assert functions == {function for by_name in TRIGGERS.values() for function in by_name.values()}
    assert {enabled for *_names, enabled in rows} == {"O"}


@pytest.mark.django_db
def test_every_constraint_and_index_of_the_models_is_in_the_database() -> None:
    """What a model declares by name exists in the database under that name."""
    declared = {
        (model._meta.db_table, part.name)
        for app in ("accounts", "credits")
        for model in apps.get_app_config(app).get_models()
        for part in (*model._meta.constraints, *model._meta.indexes)
    }
    tables = {table for table, _name in declared}
    with connection.cursor() as cursor:
        found = {
            (table, name)
            for table in tables
            for name in connection.introspection.get_constraints(cursor, table)
        }
    assert declared
    assert declared <= found


def test_each_earlier_migration_is_replaced_once() -> None:
    """The squashed migrations name every earlier migration, each of them exactly once."""
    loader = MigrationLoader(None)
    replaced = [key for migration in loader.disk_migrations.values() for key in migration.replaces]
    assert sorted(key for key in replaced if key[0] in {"accounts", "credits"}) == EARLIER
    assert not set(EARLIER) & set(loader.disk_migrations)


@pytest.mark.django_db
def test_a_database_of_the_earlier_migrations_is_up_to_date() -> None:
    """Where all earlier migrations were applied, ``migrate`` runs nothing and notes the squashed ones as applied."""
    recorder = _as_before_the_squash(EARLIER)
    executor = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    call_command("migrate", verbosity=0)
    assert set(SQUASHED) <= set(recorder.applied_migrations())


def _as_before_the_squash(applied: list[tuple[str, str]]) -> MigrationRecorder:
    recorder = MigrationRecorder(connection)
    for app, name in SQUASHED:
        recorder.record_unapplied(app, name)
    for app, name in applied:
        recorder.record_applied(app, name)
    return recorder


@pytest.mark.django_db
def test_the_page_of_invariants_names_every_trigger_and_only_what_exists() -> None:
    """docs/invariants.md names each trigger with its table, and each constraint that it names exists there."""
    rows = re.findall(r"^\| (`[^|]+`) \| `(\w+)` \|", INVARIANTS, re.MULTILINE)
    named = {(table, name) for names, table in rows for name in re.findall(r"\w+", names)}
    triggers = {(table, name) for table, by_name in TRIGGERS.items() for name in by_name}
    with connection.cursor() as cursor:
        constraints = {
            (table, name)
            for table in {table for table, _name in named}
            for name in connection.introspection.get_constraints(cursor, table)
        }
    assert triggers <= named
    assert named <= triggers | constraints


def test_the_page_of_invariants_names_tests_and_verbs_that_exist() -> None:
    """Each of the twelve has at least one test and one verb, and each named test and verb is where the page says."""
    sections = re.split(r"^## (\d+)\. ", INVARIANTS, flags=re.MULTILINE)[1:]
    assert sections[::2] == [str(number) for number in range(1, 13)]
    for number, text in zip(sections[::2], sections[1::2], strict=True):
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_invariant_(\d+)_\w+)`", text)
        assert tests
        assert {of for _path, _name, of in tests} == {number}
        missing = [name for path, name, _of in tests if f"def {name}(" not in (ROOT / path).read_text()]
        assert not missing
        verbs = re.findall(r"`((?:accounts|credits)\.[\w.]+)`", text)
        assert verbs
        for verb in verbs:
            module, _, name = verb.rpartition(".")
            assert callable(getattr(import_module(module), name, None)), verb
