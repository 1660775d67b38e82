"""Rounds and claims: from what a student gathers to the result that a registrar records.

A claim is always in one of these states. Every step locks the claim's row first, and is refused with a sentence
where the state, the date or the person does not allow it.

========== ================================= ============================================== ===========
state      what it means                     how it is left                                 next state
========== ================================= ============================================== ===========
draft      the student gathers               submit, from apply_from to apply_until          submitted
                                             lapses, once apply_until has passed             withdrawn
submitted  waits for a reviewer; facts and   decide: all that it was submitted for           notice
           version frozen                    decide: less than that (a proposal)             hearing
                                             withdraw                                        withdrawn
hearing    less is proposed; the student     answer (once, until the proposal is confirmed)  hearing
           has ``hearing_until`` to answer   confirm, answered or after hearing_until        notice, or
                                                                                             refused
                                             decide anew, answered or after hearing_until
                                             (at once, where nothing is taken off any more):
                                             no worse than what was proposed                 notice, or
                                                                                             refused
                                             worse than that                                 hearing
                                             withdraw                                        withdrawn
notice     finally decided, on public notice record, from notice_until and record_from       recorded
refused    finally decided: nothing counts;  record, from record_from                        refused,
           not put on notice                                                                 with a Result
recorded   a Result stands; credit above     (the end; corrections are ledger entries)
           zero is in the ledger
withdrawn  given up by the student           (the end; a new draft may be begun)
========== ================================= ============================================== ===========

Where the rulebook names several stages of review, this is the way through the last of them. What is final in an
earlier one leads to ``submitted`` at the next stage instead of notice or refused; and who agrees there with a refusal
that the student was heard on leads from submitted to refused (``credits.claims.stages``).

``approve`` may come to no credit at all (too few points yet): such a claim goes the same way, is not shown on the
public notice, and its Result carries the points over without a ledger entry. A Result of zero is the registrar's
act too, because it ends the claim: contributions that did not count are free to be claimed again from then on.
``review_until`` and ``record_until`` are deadlines that pages remind staff of; a late decision is better for a
student than none, so they are no gates.
"""
