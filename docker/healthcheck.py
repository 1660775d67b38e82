"""Ask this container's web server whether it is alive. Exit with 1 if it is not."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    # Django answers only for the hosts in ALLOWED_HOSTS, and 127.0.0.1 need not be one of them.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        connection.request("GET", "/health/live", headers={"Host": host})
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
