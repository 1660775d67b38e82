"""Conditions and formulas in CEL: check, evaluate, translate to Python, and find those that can never be true."""
