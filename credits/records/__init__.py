"""What leaves the house: transcripts and export batches, computed from the ledger."""
