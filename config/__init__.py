"""How the application is put together: settings, addresses, workers, the embedded database."""
