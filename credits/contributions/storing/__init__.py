"""Write what a forge returned into the database, in bulk and only where it differs.

Door: ``store``. ``db_rows`` turns a change into rows, ``upsert_sql`` holds the statements.
"""
