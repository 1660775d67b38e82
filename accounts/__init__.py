"""People of the university, their roles and sign-in, proof of forge accounts, terms, and the audit log.

The door of each part is named in its own ``__init__``: ``people``, ``identity`` and ``calendar``. Everybody may use
``audit``, ``permissions``, ``models`` and ``commands`` (the base of management commands).
"""
