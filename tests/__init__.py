"""Tests mirror the house: tests/accounts for accounts, tests/forges for credits/forges, and so on."""
