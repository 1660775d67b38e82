"""Print the figures: ``python -m benchmarks [NAME …]``."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module

NAMES = ("conditions", "rules", "collection", "idle", "storing")


def machine() -> str:
    """Return a description of the machine: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]}. Take one of: {', '.join(NAMES)}.")
    print(f"Measured on {machine()}")
    for name in names or NAMES:
        print(f"\n{name}", flush=True)
        for figure, value in import_module(f"benchmarks.{name}").main():
            print(f"  {figure:<70} {value:>18}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
