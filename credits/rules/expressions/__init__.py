"""Conditions and formulas in CEL: check them, compute them, translate them to Python, find those that are never true.

``cel`` is the door for the rest of the rules: it checks an expression and computes it on facts. ``expression_tree``,
``expression_limits`` and ``expression_to_python`` are its parts; ``satisfiability`` answers questions about conditions.
"""
