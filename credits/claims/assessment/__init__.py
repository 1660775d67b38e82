"""What a rulebook gives for a claim: collect the facts, evaluate them, keep the outcome.

Door: ``estimate`` (evaluate what a student has now), ``facts`` (from stored contributions to the facts of the rules)
and ``stored`` (assessments that were kept). ``double_claims`` finds work that another claim holds already.
"""
