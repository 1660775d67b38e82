"""The same evaluation without traces, for whole universities: a rulebook becomes one Python function.

``engine.compile_rulebook`` is its door; ``codegen`` writes the function, ``caps`` applies what spans contributions.
"""
