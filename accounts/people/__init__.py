"""The people of the university: the roster that lists them, and the roles that staff have.

Door: ``roster`` (compare a file with the database and import it) and ``roles`` (give and take roles). Behind ``roster``
are ``roster_file``, which reads CSV and XLSX into rows, and ``roster_row``, which checks each row.
"""
