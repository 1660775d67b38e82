"""What another rulebook would have given for the claims of a past round.

Door: ``runs`` (ask for, continue and read a simulation), ``trial`` (evaluate one claim by two rulebooks),
``sample_claims`` and ``anonymised_traces`` (show a claim to a steward without its student).
"""
