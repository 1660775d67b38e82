"""GitHub and GitHub Enterprise Server, through GraphQL. Door: ``adapter``."""
