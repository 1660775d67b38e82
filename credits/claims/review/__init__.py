"""The reviewers' part of a claim: decide line by line, hear the student, answer flags.

Door: ``review`` (the steps), ``signals`` (hints about a claim's contributions) and ``flags`` (findings after
submission). Inside: ``review_lines`` reads and applies a reviewer's decision on each contribution.
"""
