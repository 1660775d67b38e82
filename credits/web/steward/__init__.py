"""Pages for stewards, who write rulebooks: versions, the editor, simulations. Door: ``urls``."""
