"""What pages show: template contexts and texts, built from the rooms. No request is read or answered here.

Views of every audience import from its modules. It imports ``credits.web.core`` and no views.
"""
