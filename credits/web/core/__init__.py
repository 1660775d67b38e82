"""What every page needs: access, errors, forms that call a verb, navigation, pagination, probes.

Imports nothing else of ``credits.web``.
"""
