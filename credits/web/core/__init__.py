"""What every page needs: access, errors, forms that call a verb, navigation, probes.

Imports nothing of the pages.
"""
