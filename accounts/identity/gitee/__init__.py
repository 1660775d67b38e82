"""Connecting a Gitee account through django-allauth, which ships no provider for Gitee."""
