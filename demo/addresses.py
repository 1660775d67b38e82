"""Where the demo's servers listen. Light: read before Django's settings are."""

from __future__ import annotations

import os

from demo.forge.credentials import GITEE_CLIENT, GITEE_TOKENS, GITHUB_CLIENT, GITHUB_TOKENS

HOST = "127.0.0.1"


def web_port() -> int:
    return int(os.environ.get("PORT") or 8000)


def forge_port() -> int:
    """The local forge's port, next to the web server's: the same each time, since contributions keep their address."""
    return web_port() + 1


def forge_environment() -> dict[str, str]:
    """The environment variables that point everything at the local forge."""
    github, gitee = f"http://{HOST}:{forge_port()}/github", f"http://{HOST}:{forge_port()}/gitee"
    return {
        "GITHUB_URL": github,
        "GITHUB_API_URL": f"{github}/api/v3",
        "GITHUB_TOKENS": ",".join(GITHUB_TOKENS),
        "GITHUB_CLIENT_ID": GITHUB_CLIENT[0],
        "GITHUB_CLIENT_SECRET": GITHUB_CLIENT[1],
        "GITEE_URL": gitee,
        "GITEE_API_URL": f"{gitee}/api/v5",
        "GITEE_TOKENS": ",".join(GITEE_TOKENS),
        "GITEE_CLIENT_ID": GITEE_CLIENT[0],
        "GITEE_CLIENT_SECRET": GITEE_CLIENT[1],
    }
