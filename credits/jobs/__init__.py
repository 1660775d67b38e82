"""Jobs: what is due, and which worker does it (invariant 10). This room does not know what a job does.

Other rooms use its modules directly: ``queue`` (take, finish and fail jobs), ``lane`` (be the only worker in a lane),
``heartbeat`` (renew leases), ``retry`` (how long to wait after a failure) and ``wake`` (messages to workers).
"""
