"""Connecting a GitHub account through django-allauth, at the addresses from settings.FORGES.

allauth's own provider derives the API's address from the web address when it is imported, which is wrong for
GitHub Enterprise Server behind another name; this package takes its place in INSTALLED_APPS.
"""
