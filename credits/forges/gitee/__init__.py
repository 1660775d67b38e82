"""Gitee through its REST API, and AtomGit, whose API is nearly the same. Door: ``adapter`` and ``atomgit``."""
