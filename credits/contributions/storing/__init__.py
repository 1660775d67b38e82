"""Write what a forge returned into the database, in bulk and only where it differs.

Door: ``store``. The row classes in ``db_rows`` name every column once, with its SQL type and merge rule
(``columns``). ``upsert_sql`` makes the statements from them.
"""
