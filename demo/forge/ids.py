"""Global ids and cursors in GitHub's form: opaque to a client, readable to the forge.

A node id is a kind, an underscore and base64 of a MessagePack array ``[0, numbers…]`` (seen in public answers:
``U_kgDO…``, ``PR_kwDO…``). A cursor is base64 of ``cursor:v2:`` and a position.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any


def _packed(value: int | str) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return bytes([0xD9, len(text)]) + text
    if value < 2**32:
        return b"\xce" + value.to_bytes(4, "big")
    return b"\xcf" + value.to_bytes(8, "big")


def node_id(kind: str, *parts: int | str) -> str:
    """Return an id as GitHub's GraphQL gives it. ``kind`` is its prefix (U, O, BOT, R, PR, C …)."""
    body = bytes([0x91 + len(parts), 0]) + b"".join(map(_packed, parts))
    return f"{kind}_{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}"


def read_node_id(text: str) -> tuple[str, tuple[int | str, ...]] | None:
    """Return the kind and the parts, or None if the text is not one of our ids."""
    kind, underscore, body = text.partition("_")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        if not underscore or data[1] != 0:
            return None
        parts: list[int | str] = []
        at = 2
        while at < len(data):
            mark = data[at]
            if mark == 0xD9:
                end = at + 2 + data[at + 1]
                parts.append(data[at + 2 : end].decode())
            elif mark in (0xCE, 0xCF):
                end = at + (5 if mark == 0xCE else 9)
                parts.append(int.from_bytes(data[at + 1 : end], "big"))
            else:
                return None
            at = end
        if len(parts) != data[0] - 0x91:
            return None
    except (ValueError, IndexError):
        return None
    return kind, tuple(parts)


def cursor(position: Any) -> str:
    """``position`` is any JSON value; in an ordered connection it is the sort key, so that the cursor survives
    insertions."""
    return base64.b64encode(b"cursor:v2:" + json.dumps(position).encode()).decode()


def read_cursor(text: str) -> Any:
    """Return the position. Raise ValueError if the text is not a cursor."""
    try:
        mark, _, position = base64.b64decode(text, validate=True).partition(b"cursor:v2:")
        if mark:
            raise ValueError(text)
        return json.loads(position)
    except ValueError as error:
        raise ValueError(f"`{text}` does not appear to be a valid cursor.") from error


def sha(*names: object) -> str:
    """Return forty hexadecimal digits, like a commit's."""
    return hashlib.sha1("\x1f".join(map(str, names)).encode(), usedforsecurity=False).hexdigest()


def shown_id(forge: str, number: int) -> int | str:
    """Return an account's id as the forge writes it in JSON. AtomGit's are text, 24 hexadecimal digits."""
    return f"{number:024x}" if forge == "atomgit" else number


def read_id(forge: str, text: str) -> int:
    """Return the number behind an id from `shown_id`."""
    return int(text, 16 if forge == "atomgit" else 10)
