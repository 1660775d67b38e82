"""Connecting an AtomGit (GitCode) account through django-allauth, which ships no provider for it."""
