"""The student's part of a claim: choose contributions in a draft, submit it, withdraw it.

Door: ``draft`` and ``submit``.
"""
