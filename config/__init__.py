"""Put the application together: Django's settings, addresses, the Celery application and its worker pool.

Nothing in ``accounts`` or ``credits`` imports this package; they read ``django.conf.settings``.
"""
