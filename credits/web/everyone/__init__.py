"""Pages for more than one role, or for nobody in particular."""
