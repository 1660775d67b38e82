"""Who a person is: sign-in, and proof that an account on a forge belongs to a person.

Door: ``linking`` (prove, attest and end a link) and ``forges`` (the configured forges and their adapters). The rest is
wiring for django-allauth and django-axes. Each provider of a forge's sign-in is a package: ``github``, ``gitee``,
``atomgit``.
"""
