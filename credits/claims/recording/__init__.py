"""The end of a claim: the public notice, and the registrar's recording of the result.

Door: ``notice`` and ``record``.
"""
