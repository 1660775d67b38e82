"""Read rulebooks and evaluate claims by them: a pure core that knows neither Django nor a clock.

This package is the door. Read a rulebook (:func:`parse`), find what is probably a mistake (:func:`warnings`), compare
two (:func:`differences`), evaluate facts (:func:`evaluate`), explain an outcome (:func:`explain`), and compile a
rulebook for whole universities (:func:`compile_rulebook`). ``facts``, ``fact_catalogue``, ``faults`` and ``decimals``
belong to the door too. What is inside ``document``, ``expressions`` and ``evaluation`` is for this package only.
"""

from credits.rules.document.diff import Difference, differences
from credits.rules.document.parser import digest as rulebook_digest
from credits.rules.document.parser import parse, warnings
from credits.rules.document.rulebook_model import PointsRule, Reviewers, ReviewStage, RulebookDocument
from credits.rules.document.yaml_tree import read_plain
from credits.rules.evaluation.compiled.engine import ClaimTotals, CompiledRulebook, compile_rulebook
from credits.rules.evaluation.evaluate import evaluate
from credits.rules.evaluation.explain import Explanation, ReducedContribution, RequirementRemedy, explain
from credits.rules.evaluation.outcome import ContributionOutcome, Outcome, Seen, TraceLine
from credits.rules.evaluation.trace_texts import seen_values_text
from credits.rules.faults import RulebookFault, RulebookFaults

__all__ = [
    "ClaimTotals",
    "CompiledRulebook",
    "ContributionOutcome",
    "Difference",
    "Explanation",
    "Outcome",
    "PointsRule",
    "ReducedContribution",
    "RequirementRemedy",
    "ReviewStage",
    "Reviewers",
    "RulebookDocument",
    "RulebookFault",
    "RulebookFaults",
    "Seen",
    "TraceLine",
    "compile_rulebook",
    "differences",
    "evaluate",
    "explain",
    "parse",
    "read_plain",
    "rulebook_digest",
    "seen_values_text",
    "warnings",
]
