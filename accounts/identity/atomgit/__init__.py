"""Connect an AtomGit (GitCode) account through django-allauth, which has no provider for it."""
