"""GitHub and GitHub Enterprise Server, mostly through GraphQL. Door: ``adapter``."""
