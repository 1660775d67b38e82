"""What the Makefile calls: environment, translations, browser, tests, contracts of the house."""
