"""The text of a rulebook: read it, check it, compare it. From YAML to the frozen ``Rulebook``."""
