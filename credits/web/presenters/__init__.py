"""What pages show, put together from the rooms: no request is answered here.

Door for the views of every audience; imports ``credits.web.core`` and no views.
"""
