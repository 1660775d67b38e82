"""Pages for students: overview, accounts, contributions, application, transcript. Door: ``urls``."""
