"""Pages for reviewers, who are instructors and credit committees. Door: ``urls``."""
