"""A local forge that serves GitHub's, Gitee's and AtomGit's interfaces over HTTP, from rows of merged pull requests.

It knows nothing of the project that uses it: it imports neither Django nor anything of ``credits`` or ``accounts``.
"""

from demo.forge.credentials import environment
from demo.forge.server import LocalForge

__all__ = ["LocalForge", "environment"]
