"""The estimate of a claim by its rulebook: build the facts, evaluate them, store the outcome.

Door: ``estimate`` (evaluate what a student has now), ``facts`` (build the rules' facts from stored contributions) and
``stored`` (write and read assessments). Inside: ``double_claims`` finds work that another claim already has, and
``osi_licences`` lists approved licences.
"""
