"""Pages for administrators, who give roles to people. Door: ``urls``."""
