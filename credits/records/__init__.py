"""What leaves the university's system: transcripts and export batches, computed from the ledger.

Door: ``transcript``, ``export``, ``checkpoints`` and ``verification`` (check the ledger against exports and results),
``view_audit`` and ``models``. ``export_lines`` is for this package only.
"""
