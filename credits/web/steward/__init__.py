"""Pages for stewards, who write rulebooks."""
