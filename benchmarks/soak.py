"""``make soak``: the tests of tests/soak at full length, hours of them.

FORGE_DATA names the rows (else the carried ones). Arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys

if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", "tests/soak", "-s", "-n0", "--durations=0", *sys.argv[1:]]
    sys.exit(subprocess.run(command, env={**os.environ, "SOAK": "1"}).returncode)
