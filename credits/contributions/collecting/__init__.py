"""Fetch merged work from the forges, and recheck it later.

Door: ``collect`` (the job that workers run), ``collect_now`` (the same in this process), ``status`` and
``forge_status`` (how far collecting is), ``recheck``, ``branch_authors`` and ``add_by_url``. ``forge_session`` lets one
process at a time talk to a forge.
"""
