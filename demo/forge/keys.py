"""An SSH key for every invented person, to try proof by signature: private half and public line."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.forge.model import LocalAccount


def private_key(forge: str, account_id: int) -> Ed25519PrivateKey:
    """Return the key of a made-up person. It is no secret: anybody can compute it."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{forge}:{account_id}".encode()).digest())


def public_line(forge: str, account_id: int) -> str:
    """Return the public half as a forge publishes it, without a comment."""
    public = private_key(forge, account_id).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def published(account: LocalAccount) -> list[str]:
    """Return the keys that the forge shows for an account. Organisations and bots have none."""
    if account.keys is not None:
        return account.keys
    return [public_line(account.forge, account.id)] if account.kind == "User" else []
