"""Rounds and claims: from a student's draft to the result that a registrar records.

Door: ``rounds``, ``stages``, ``access`` and ``models`` here, and the doors of the packages ``application`` (the
student), ``assessment`` (the estimate), ``review`` (the reviewers), ``recording`` (the registrar) and ``simulation``
(the steward). ``locking`` and ``gates`` are for this package only.

A claim is always in exactly one of these states. Each step locks the claim's row first. It raises an error with a
sentence for the reader if the state, the date or the person does not allow it.

========== ================================= ============================================== ===========
state      meaning                           steps that leave it                            next state
========== ================================= ============================================== ===========
draft      the student chooses               submit, from apply_from until apply_until       submitted
           contributions                     lapse, after apply_until                        withdrawn
submitted  waits for a reviewer; facts and   decide: everything it was submitted for         notice
           version are frozen                decide: less than that (a proposal)             hearing
                                             withdraw                                        withdrawn
hearing    a reviewer proposes less; the     answer (once, until the proposal is confirmed)  hearing
           student can answer until          confirm, if answered or after hearing_until     notice or
           ``hearing_until``                                                                 refused
                                             decide again, if answered or after
                                             hearing_until (earlier only if nothing is
                                             reduced any more):
                                             no worse than the proposal                      notice or
                                                                                             refused
                                             worse than the proposal                         hearing
                                             withdraw                                        withdrawn
notice     final decision, on public notice  record, from notice_until and record_from       recorded
refused    final decision: nothing counts;   record, from record_from                        refused,
           no public notice                                                                  with a Result
recorded   has a Result; credit above zero   (end; corrections are ledger entries)
           is in the ledger
withdrawn  the student gave it up            (end; the student can start a new draft)
========== ================================= ============================================== ===========

If the rulebook has several stages of review, the table describes the last stage. A final decision in an earlier stage
leads to ``submitted`` at the next stage, not to notice or refused. A reviewer of a later stage who agrees with a
refusal that the student was already heard on moves the claim from submitted to refused (``credits.claims.stages``).

An approved claim may give no credit (too few points yet). It takes the same steps, is not shown on the public notice,
and its Result carries the points over without a ledger entry. The registrar also records a Result of zero, because it
ends the claim: from then on, contributions that did not count can be claimed again. ``review_until`` and
``record_until`` are only deadlines that pages remind staff of. They block nothing, because a late decision is better
for a student than no decision.
"""
