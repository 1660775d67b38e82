"""``python -m demo.forge --port N [--data FILE]``: serve all forges until stopped."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from demo.forge import rows
from demo.forge.server import LocalForge


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m demo.forge", description="GitHub and Gitee on this machine."
    )
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one")
    parser.add_argument(
        "--data", type=Path, help="rows to serve; FORGE_DATA names them too; else the carried ones"
    )
    parser.add_argument(
        "--featured", default="", help="logins, comma-separated, that the sign-in pages offer first"
    )
    chosen = parser.parse_args()
    data = chosen.data or Path(os.environ.get("FORGE_DATA") or rows.CARRIED)
    try:
        forge = LocalForge(rows.read(data), chosen.port)
    except (OSError, ValueError) as error:
        print(f"The local forge cannot start: {error}", file=sys.stderr)
        return 1
    forge.featured = [login for login in chosen.featured.split(",") if login]

    def end(*_: object) -> None:
        threading.Thread(target=forge.stop, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"Local forge: {forge.github_url} and {forge.gitee_url}", flush=True)
    forge.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
