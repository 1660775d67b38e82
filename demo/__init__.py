"""A made-up university, and a local forge that serves GitHub's, Gitee's and AtomGit's interfaces. Never in production.

Only tests and benchmarks import this package. Everybody else uses its command, ``manage.py demo``.
"""
