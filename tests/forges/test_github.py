"""GitHub: the contract, and what is GitHub's own."""

from __future__ import annotations

from credits.forges.github import GitHub
from tests.forges.contract import Contract


class TestContract(Contract):
    forge = "github"
    adapter = GitHub
