"""A student's side of a claim: gather contributions in a draft, submit it, withdraw it.

Door: ``draft`` and ``submit``.
"""
