"""The pages. A view parses the request, calls one verb of a room, and shows the result.

Layers, highest first: ``urls``; one package for each audience, with its addresses, views and forms; ``presenters``,
which build what templates show; ``core``, which every page needs. No audience imports another.

Door: ``credits.web.urls`` and the middleware ``credits.web.core.error_middleware``. Template tags use ``presenters``.
"""
