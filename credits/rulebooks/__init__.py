"""Rulebooks as stored documents: drafts, proposals, published versions, and the editor's report on a text.

Other rooms import the modules of this package directly. The language of rulebooks itself is in ``credits.rules``.
"""
