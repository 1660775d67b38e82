"""Who may call: the university's tokens, OAuth clients, codes, and the tokens that were exchanged for codes."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from demo.forge.model import ForgeName, LocalAccount
from demo.forge.world import ForgeWorld

CODE_LIVES = timedelta(minutes=10)
GITEE_TOKEN_LIVES = timedelta(days=1)
GITHUB_CLIENT = ("local-github-client", "local-github-secret")
GITEE_CLIENT = ("local-gitee-client", "local-gitee-secret")
ATOMGIT_CLIENT = ("local-atomgit-client", "local-atomgit-secret")
GITHUB_TOKENS = ("ghp_localCollectorOne", "ghp_localCollectorTwo")
GITEE_TOKENS = ("gitee_localCollectorOne", "gitee_localCollectorTwo")
ATOMGIT_TOKENS = ("atomgit_localCollectorOne", "atomgit_localCollectorTwo")


@dataclass(slots=True)
class TokenGrant:
    """The account and scopes of a token. ``expires`` None: never."""

    account: LocalAccount
    scope: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A registered application; an empty ``redirect_prefix`` allows any loopback address."""

    id: str
    secret: str
    redirect_prefix: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    client_id: str
    account: LocalAccount
    redirect_uri: str
    scope: str
    challenge: str
    expires: datetime


@dataclass
class ForgeCredentials:
    """All tokens, clients and codes. Tokens are found by forge and text. Everything is in memory only."""

    tokens: dict[tuple[ForgeName, str], TokenGrant] = field(default_factory=dict)
    clients: dict[tuple[ForgeName, str], OAuthClient] = field(default_factory=dict)
    sessions: dict[tuple[ForgeName, str], LocalAccount] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    refreshers: dict[str, TokenGrant] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def standard(cls, world: ForgeWorld) -> ForgeCredentials:
        """Return two collectors' tokens for each forge, each of a different account (and so with its own budget), and
        one client."""
        made = cls()
        forges: tuple[tuple[ForgeName, tuple[str, ...], tuple[str, str]], ...] = (
            ("github", GITHUB_TOKENS, GITHUB_CLIENT),
            ("gitee", GITEE_TOKENS, GITEE_CLIENT),
            ("atomgit", ATOMGIT_TOKENS, ATOMGIT_CLIENT),
        )
        for forge, tokens, client in forges:
            made.clients[forge, client[0]] = OAuthClient(*client)
            for at, token in enumerate(tokens, 1):
                login = f"yuanfen-collector-{at}"
                account = world.account(forge, login) or world.add_account(forge, login)
                made.tokens[forge, token] = TokenGrant(account)
        return made

    def grant(self, forge: ForgeName, token: str, now: datetime) -> TokenGrant | None:
        """Return the grant of a token. Return None if it is unknown, revoked or expired, or if its account is gone."""
        found = self.tokens.get((forge, token))
        if found is None or found.account.deleted or (found.expires is not None and found.expires <= now):
            return None
        return found

    def revoke(self, forge: ForgeName, token: str) -> None:
        self.tokens.pop((forge, token), None)

    def new_code(self, code: AuthorizationCode) -> str:
        text = secrets.token_hex(10)
        self.codes[text] = code
        return text

    def use_code(self, text: str, now: datetime) -> AuthorizationCode | None:
        """Return the code's content. A code works once, within ten minutes."""
        with self._lock:
            code = self.codes.pop(text, None)
        return code if code is not None and now < code.expires else None

    def new_token(
        self, forge: ForgeName, account: LocalAccount, scope: str, now: datetime
    ) -> tuple[str, str]:
        """Return an access token and, on Gitee, a refresh token."""
        prefix = "gho_" if forge == "github" else ""
        text = prefix + secrets.token_hex(18)
        expires = None if forge == "github" else now + GITEE_TOKEN_LIVES
        self.tokens[forge, text] = TokenGrant(account, scope, expires)
        if forge == "github":
            return text, ""
        refresher = secrets.token_hex(32)
        self.refreshers[refresher] = TokenGrant(account, scope)
        return text, refresher


def environment(url: str) -> dict[str, str]:
    """Return addresses, tokens and OAuth clients of a local forge that serves at ``url``."""
    github, gitee_url, atomgit = f"{url}/github", f"{url}/gitee", f"{url}/atomgit"
    return {
        "GITHUB_URL": github,
        "GITHUB_API_URL": f"{github}/api/v3",
        "GITHUB_TOKENS": ",".join(GITHUB_TOKENS),
        "GITHUB_CLIENT_ID": GITHUB_CLIENT[0],
        "GITHUB_CLIENT_SECRET": GITHUB_CLIENT[1],
        "GITEE_URL": gitee_url,
        "GITEE_API_URL": f"{gitee_url}/api/v5",
        "GITEE_TOKENS": ",".join(GITEE_TOKENS),
        "GITEE_CLIENT_ID": GITEE_CLIENT[0],
        "GITEE_CLIENT_SECRET": GITEE_CLIENT[1],
        "ATOMGIT_URL": atomgit,
        "ATOMGIT_API_URL": f"{atomgit}/api/v5",
        "ATOMGIT_TOKENS": ",".join(ATOMGIT_TOKENS),
        "ATOMGIT_CLIENT_ID": ATOMGIT_CLIENT[0],
        "ATOMGIT_CLIENT_SECRET": ATOMGIT_CLIENT[1],
    }


def challenge_of(verifier: str) -> str:
    """Return PKCE's S256 challenge (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
