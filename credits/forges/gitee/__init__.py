"""Gitee through its REST API, and AtomGit, which speaks nearly the same. Door: ``adapter`` and ``atomgit``."""
