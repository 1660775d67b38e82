"""Start the demo's other processes, and stop all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from django.utils.translation import gettext as _

from credits.errors import CreditsError
from demo.addresses import HOST, PAGES_VARIABLE, web_port


class DemoProcesses:
    """A context manager that stops every process that was started in it, even after an error. Each process writes its
    own log file. It also leads its own process group, so that Ctrl-C in the terminal reaches only the demo, which then
    stops them."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> DemoProcesses:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _signals_ignored():
            for _name, process in reversed(self._running):
                _signal_group(process, signal.SIGTERM)
            deadline = time.monotonic() + 15
            for _name, process in reversed(self._running):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))
                # Also kill processes that this process left behind in its group.
                _signal_group(process, signal.SIGKILL)
                process.wait()

    def start(self, name: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        """Run ``python command…`` with the demo's settings and these environment ``variables`` as well."""
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "demo.settings", "PYTHONUNBUFFERED": "1"}
        environment.update(variables or {})
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((name, process))

    def check(self) -> None:
        """Raise CreditsError with the end of its log if a process has stopped by itself."""
        for name, process in self._running:
            if process.poll() is not None:
                log = self.logs / f"{name}.log"
                tail = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise CreditsError(
                    "demo-process-ended",
                    _("The demo's %(name)s process stopped unexpectedly: %(tail)s")
                    % {"name": name, "tail": " / ".join(tail)},
                    _("The full log is in %(log)s.") % {"log": log},
                )

    def wait_for(self, url: str, seconds: float = 30) -> None:
        """Wait until the address answers, with any status. Raise CreditsError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                urlopen(url, timeout=5).close()  # noqa: S310  (our own loopback address)
                return
            except HTTPError:
                return
            except (URLError, OSError):
                if time.monotonic() > deadline:
                    raise CreditsError(
                        "demo-no-answer", _("There is no response from %(url)s.") % {"url": url}
                    ) from None
                time.sleep(0.05)


def serve_pages(processes: DemoProcesses) -> str:
    """Start the web server, wait until it answers, and return its address, which ends in a slash."""
    command = ["-m", "gunicorn", "--no-control-socket", "--bind", f"{HOST}:{web_port()}"]
    processes.start("web", [*command, "--workers=2", "--threads=4", "config.wsgi"], {PAGES_VARIABLE: "1"})
    address = f"http://{HOST}:{web_port()}/"
    processes.wait_for(f"{address}health/live")
    return address


def require_free(port: int) -> None:
    """Raise CreditsError if another program already listens on the port. Call it before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CreditsError(
                "port-in-use",
                _("Port %(port)s is already in use.") % {"port": port},
                _(
                    "Stop the program that uses it, or choose another port: PORT=9000 make "
                    "demo (the next port is used too)."
                ),
            ) from None


@contextlib.contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignore signals while processes are stopped: a second Ctrl-C would leave running processes behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
