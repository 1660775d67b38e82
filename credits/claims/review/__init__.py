"""The reviewers' side of a claim: decide line by line, hear the student, answer flags.

Door: ``review`` (the steps), ``signals`` (hints for one claim) and ``flags`` (what was found after submission).
``review_lines`` reads and applies what a reviewer typed for each contribution.
"""
