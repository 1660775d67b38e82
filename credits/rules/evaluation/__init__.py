"""From a rulebook and facts to an outcome with its trace, and the explanation of it."""
