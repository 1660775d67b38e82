"""Connect a Gitee account through django-allauth, which has no provider for Gitee."""
