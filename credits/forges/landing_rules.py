"""Rules for pull requests whose work was accepted although the forge calls them closed.

In some projects a bot commits the work and closes the pull request. A rule for that repository decides this, never a
guess. The work never counts as merged: it has the status ``landed``, with the name of the rule.

=======  ==========================================  ===================================================================
rule     repositories                                evidence
=======  ==========================================  ===================================================================
pytorch  pytorch/pytorch                             label ``Merged``, and closed by a commit that says ``Pull Request
                                                     resolved:`` with this pull request's address
spark    apache/spark                                closed by a commit that says ``Closes #number from``
bors     bors-ng/bors-ng, mathlib and mathlib4 of    title that begins with ``[Merged by Bors]``, which the bot puts
         leanprover-community                        there
=======  ==========================================  ===================================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LandingRule:
    """A rule; every condition that is set must match.

    ``repositories`` are full names. ``label`` is one of the pull request's labels. ``title`` is a pattern for the
    start of its title. ``message`` is a pattern that occurs in the closing commit's message, with ``{number}`` and
    ``{full_name}`` for those of the pull request.
    """

    name: str
    repositories: tuple[str, ...]
    label: str = ""
    title: str = ""
    message: str = ""

    def holds(
        self, full_name: str, number: str, title: str, labels: Sequence[str] | None, message: str | None
    ) -> bool:
        """Return whether the rule matches. ``labels`` and ``message`` (of the closing commit) are None if unknown."""
        if self.label and self.label not in (labels or ()):
            return False
        if self.title and not re.match(self.title, title):
            return False
        if not self.message:
            return True
        pattern = self.message.format(number=re.escape(number), full_name=re.escape(full_name))
        return message is not None and re.search(pattern, message) is not None


LANDING_RULES = (
    LandingRule(
        "pytorch",
        ("pytorch/pytorch",),
        label="Merged",
        message=r"Pull Request resolved:\s*\S*/{full_name}/pull/{number}\b",
    ),
    LandingRule("spark", ("apache/spark",), message=r"(?m)^Closes #{number} from "),
    LandingRule(
        "bors",
        ("bors-ng/bors-ng", "leanprover-community/mathlib", "leanprover-community/mathlib4"),
        title=r"\[Merged by Bors\] - ",
    ),
)


def rules_for_repository(rules: Sequence[LandingRule], full_name: str) -> tuple[LandingRule, ...]:
    """Return the rules of a repository; most repositories have none."""
    return tuple(rule for rule in rules if full_name.lower() in map(str.lower, rule.repositories))
