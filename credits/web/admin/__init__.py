"""Pages for administrators, who give roles."""
