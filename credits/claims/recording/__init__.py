"""The end of a claim: the public notice, and the result that the registrar records.

Door: ``notice`` and ``record``.
"""
