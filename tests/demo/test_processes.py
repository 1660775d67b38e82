"""The demo's processes all stop together with the demo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SLOW = (
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), exit(7))); time.sleep(60)"
)
TWICE = f"""
import os, signal, sys, threading, time
from pathlib import Path
from demo.processes import DemoProcesses

def again():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)

processes = DemoProcesses(Path(sys.argv[1]))
try:
    with processes:
        processes.start("slow", ["-c", {SLOW!r}])
        time.sleep(1)
        threading.Thread(target=again).start()
        raise KeyboardInterrupt
except KeyboardInterrupt:
    (_name, process), = processes._running
    print(process.poll())
    process.kill()
"""


def test_a_second_ctrl_c_leaves_nobody_behind(tmp_path: Path) -> None:
    """A second Ctrl-C while a process is still stopping does not interrupt the wait for that process."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("7", 0), done.stderr
