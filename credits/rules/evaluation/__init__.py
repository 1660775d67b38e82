"""Compute an outcome with its trace from a rulebook and facts, and explain it.

The door for the rest of the project is ``credits.rules``. ``evaluate`` gives the outcome, ``explain`` says what would
have to change, ``compiled`` computes the same totals without a trace for many claims.
"""
