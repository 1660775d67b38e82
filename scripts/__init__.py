"""The programs that the Makefile calls: environment, translations, browser, tests, reset of the demo, fact table."""
