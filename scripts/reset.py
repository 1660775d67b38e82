"""Delete the demo's data, the database first: `python -m scripts.reset`.

Only files that Yuanfen puts into DATA_DIR are deleted, and nothing while a process still uses the database.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path

from embedded_postgres.layout import data_base

REMOVED_NAMES = ("queue", "static", "media", "exports", "demo", "secret_key")


def reset(data_dir: Path) -> str:
    """Delete the demo's data. Return an empty text, or a sentence that says why nothing was deleted."""
    place = data_dir / "postgres"
    if place.exists():
        with (place / "use.lock").open("a") as use:
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"A process still uses the database in {place}: stop it (Ctrl-C), then try again."
            base = data_base(place)
            for folder in {base, place}:
                shutil.rmtree(folder)
    for name in REMOVED_NAMES:
        path = data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return ""


def main() -> int:
    if os.environ.get("DATABASE_URL"):
        print("DATABASE_URL names a database that does not belong to the demo: unset it to reset the demo.")
        return 1
    root = Path(__file__).resolve().parent.parent
    refusal = reset(Path(os.environ.get("DATA_DIR") or root / "var").resolve())
    if refusal:
        print(refusal)
    return 1 if refusal else 0


if __name__ == "__main__":
    sys.exit(main())
