"""Run the whole suite, three tests at a time: `python -m scripts.test [arguments for pytest]`.

The journeys need a browser. Without one they are left out, and the last lines say so; with CI=true this is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys

from scripts import browser

PROCESSES = "3"
"""For two cores: many tests wait for a browser or a worker, and another one computes meanwhile."""


def main(arguments: list[str]) -> int:
    path = browser.find_or_install()
    options = ["-n", PROCESSES, "--dist", "worksteal", *arguments]
    environment = dict(os.environ)
    if path:
        environment["BROWSER_PATH"] = path
    elif os.environ.get("CI") == "true":
        print(f"There is no browser for the journeys, and CI=true requires them: {browser.ADVICE}.")
        return 1
    else:
        options += ["-m", "not journey"]
    code = subprocess.run([sys.executable, "-m", "pytest", *options], env=environment).returncode
    if not path:
        print(
            "The journeys through the pages were LEFT OUT, because there is no browser. "
            f"To run them: {browser.ADVICE}."
        )
    elif not browser.has_chinese_font():
        print("There is no Chinese font: pictures of the pages show boxes (apt install fonts-noto-cjk).")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
