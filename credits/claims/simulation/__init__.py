"""Simulations: what another rulebook would have given for the claims of a round.

Door: ``runs`` (request, run and read a simulation), ``trial`` (evaluate a claim by two rulebooks), ``sample_claims``
and ``anonymised_traces`` (show a claim to a steward without its student).
"""
