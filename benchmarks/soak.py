"""``make soak``: hours of what ``make test`` does in minutes.

First the tests of ``tests/soak`` at full length, all of AtomGit's contract and the demo from an empty folder, then
every property test with many examples. FORGE_DATA names the rows to use (default: the demo's rows). Arguments go to
pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys

LONG = ["tests/soak", "tests/forges/gitee/test_atomgit.py", "tests/demo/test_demo.py", "-s", "-n0"]
DEEP = ["tests", "-m", "hypothesis", "--hypothesis-profile=deep", "-n2", "--timeout=14400"]

if __name__ == "__main__":
    environment = {**os.environ, "SOAK": "1"}
    codes = [
        subprocess.run(
            [sys.executable, "-m", "pytest", *words, "--durations=0", *sys.argv[1:]], env=environment
        ).returncode
        for words in (LONG, DEEP)
    ]
    sys.exit(max(codes))
