"""The same evaluation without traces, for whole universities: a rulebook becomes one Python function."""
