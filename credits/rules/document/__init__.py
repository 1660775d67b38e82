"""The rulebook as a document: read its YAML, check it, resolve variants, compare two versions.

``parser`` is the door (:func:`~credits.rules.document.parser.parse` and ``warnings``), with ``rulebook_model`` for the
types and ``diff`` for comparisons. ``consistency`` finds what makes no sense, ``lint`` what is probably a mistake.
"""
