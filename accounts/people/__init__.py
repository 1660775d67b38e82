"""The people of the university: the roster that lists them, and the roles that staff have.

Door: ``roster`` (compare a file with the database and import it) and ``roles`` (give and take roles). ``roster_file``
reads CSV and XLSX into rows, ``roster_row`` checks one row.
"""
