"""Connect a GitHub account through django-allauth, at the addresses from settings.FORGES.

This package replaces allauth's own provider in INSTALLED_APPS. That one derives the API's address from the web address
when it is imported, which is wrong for a GitHub Enterprise Server whose API has another host name.
"""
