"""Sign-in and consent, as each forge has it: one page to choose an account and to agree or refuse."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode, urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from demo.forge import pages
from demo.forge.credentials import CODE_LIVES, GITEE_TOKEN_LIVES, AuthorizationCode, OAuthClient, challenge_of
from demo.forge.http import ForgeCall, answer
from demo.forge.model import LocalAccount

LOOPBACK = ("127.0.0.1", "localhost", "::1", "testserver")


def _client(call: ForgeCall, field: dict[str, str]) -> OAuthClient | None:
    return call.local.credentials.clients.get((call.forge, field.get("client_id", "")))


def _redirect_allowed(client: OAuthClient, uri: str) -> bool:
    if client.redirect_prefix:
        return uri.startswith(client.redirect_prefix)
    parts = urlsplit(uri)
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


def authorize(call: ForgeCall) -> Response:
    """Ask for the account and for consent. Then return to the application with a code, or with ``access_denied``."""
    asked = call.request.args.to_dict()
    client = _client(call, asked)
    uri = asked.get("redirect_uri", "")
    if client is None:
        return pages.message("Unknown application", "No application is registered by this client_id.", 404)
    if not _redirect_allowed(client, uri):
        text = "The redirect_uri is not associated with this application."
        return pages.message("Be careful!", text, 400)
    if call.forge == "github" and asked.get("code_challenge_method", "S256") != "S256":
        return _back(uri, asked, error="invalid_request")
    if call.forge != "github" and asked.get("response_type") != "code":
        return _back(uri, asked, error="unsupported_response_type")
    if call.request.method == "GET":
        return pages.consent(call, asked, _suggested(call, asked), "")
    form = call.request.form
    if form.get("answer") != "yes":
        return _back(
            uri,
            asked,
            error="access_denied",
            error_description="The user has denied your application access.",
        )
    login = form.get("other", "").strip() or form.get("account", "")
    account = call.local.world.account(call.forge, login)
    if account is None or account.kind != "User":
        return pages.consent(call, asked, _suggested(call, asked), login)
    session = secrets.token_hex(16)
    call.local.credentials.sessions[call.forge, session] = account
    scope = asked.get("scope", "" if call.forge == "github" else "user_info").replace(",", " ")
    code = call.local.credentials.new_code(
        AuthorizationCode(
            client.id, account, uri, scope, asked.get("code_challenge", ""), call.now + CODE_LIVES
        )
    )
    response = _back(uri, asked, code=code)
    response.set_cookie(_cookie(call), session, path=f"/{call.forge}", httponly=True, samesite="Lax")
    return response


def _back(uri: str, asked: dict[str, str], **answer_fields: str) -> Response:
    if "state" in asked:
        answer_fields["state"] = asked["state"]
    made = redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer_fields)}", 302, Response)
    made.headers["Cache-Control"] = "no-store"
    return made


def _cookie(call: ForgeCall) -> str:
    return f"local_{call.forge}_session"


def _suggested(call: ForgeCall, asked: dict[str, str]) -> list[LocalAccount]:
    """Return the accounts to offer, with the preselected one first: named in the address, else signed in before; then
    the featured ones, then those with most pull requests."""
    world, found = call.local.world, []
    named = world.account(call.forge, asked.get("login", ""))
    session = call.local.credentials.sessions.get((call.forge, call.request.cookies.get(_cookie(call), "")))
    featured = [world.account(call.forge, login) for login in call.local.featured]
    people = [account for account in world.accounts(call.forge) if account.kind == "User"]
    people.sort(key=lambda account: (-len(world.pulls_by(account)), account.login))
    for account in (named, session, *featured, *people):
        if account is not None and not account.deleted and account.kind == "User" and account not in found:
            found.append(account)
        if len(found) == 8:
            break
    return found


def github_token(call: ForgeCall) -> Response:
    """Exchange a code for a token. The answer is form-encoded unless JSON is asked for. Refusals have status 200, as on
    GitHub."""
    form = _fields(call)
    client = _client(call, form)
    if client is None or form.get("client_secret") != client.secret:
        return _github_answer(call, {"error": "incorrect_client_credentials"})
    code = call.local.credentials.use_code(form.get("code", ""), call.now)
    if code is None or code.client_id != client.id:
        text = "The code passed is incorrect or expired."
        return _github_answer(call, {"error": "bad_verification_code", "error_description": text})
    if form.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        return _github_answer(call, {"error": "redirect_uri_mismatch"})
    if code.challenge and challenge_of(form.get("code_verifier", "")) != code.challenge:
        text = "The code_verifier does not match the code_challenge."
        return _github_answer(call, {"error": "invalid_grant", "error_description": text})
    token, _ = call.local.credentials.new_token("github", code.account, code.scope, call.now)
    scope = ",".join(code.scope.split())
    return _github_answer(call, {"access_token": token, "scope": scope, "token_type": "bearer"})


def _fields(call: ForgeCall) -> dict[str, str]:
    """Return the fields of the request, from a form, from JSON or from the address."""
    posted = call.request.get_json(silent=True) if call.request.is_json else call.request.form.to_dict()
    return {**call.request.args.to_dict(), **(posted if isinstance(posted, dict) else {})}


def _github_answer(call: ForgeCall, body: dict[str, str]) -> Response:
    if "json" in call.request.headers.get("Accept", ""):
        return answer(body)
    return Response(urlencode(body), content_type="application/x-www-form-urlencoded; charset=utf-8")


def gitee_token(call: ForgeCall) -> Response:
    """Exchange a code or a refresh token for a token that is valid for a day. Refuse a request without User-Agent."""
    form = _fields(call)
    if not call.request.headers.get("User-Agent"):
        return answer({"message": "403 Forbidden"}, 403)
    client = _client(call, form)
    if form.get("grant_type") == "refresh_token":
        grant = call.local.credentials.refreshers.pop(form.get("refresh_token", ""), None)
        if grant is None:
            return _gitee_refusal("invalid_grant", "授权方式无效，或者登录回调地址无效、过期或已被撤销", 401)
        return _gitee_grant(call, grant.account, grant.scope)
    if client is None or form.get("client_secret") != client.secret:
        return _gitee_refusal("invalid_client", "客户端认证失败", 401)
    code = call.local.credentials.use_code(form.get("code", ""), call.now)
    if (
        form.get("grant_type") != "authorization_code"
        or code is None
        or code.client_id != client.id
        or form.get("redirect_uri") != code.redirect_uri
    ):
        return _gitee_refusal("invalid_grant", "授权方式无效，或者登录回调地址无效、过期或已被撤销", 401)
    return _gitee_grant(call, code.account, code.scope)


def _gitee_refusal(error: str, text: str, status: int) -> Response:
    return answer({"error": error, "error_description": text}, status)


def _gitee_grant(call: ForgeCall, account: LocalAccount, scope: str) -> Response:
    token, refresher = call.local.credentials.new_token(call.forge, account, scope, call.now)
    return answer(
        {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(GITEE_TOKEN_LIVES.total_seconds()),
            "refresh_token": refresher,
            "scope": scope,
            "created_at": int(call.now.timestamp()),
        }
    )


ROUTES = [
    ("/github/login/oauth/authorize", ["GET", "POST"], authorize),
    ("/github/login/oauth/access_token", ["POST"], github_token),
    ("/gitee/oauth/authorize", ["GET", "POST"], authorize),
    ("/gitee/oauth/token", ["POST"], gitee_token),
    ("/atomgit/oauth/authorize", ["GET", "POST"], authorize),
    ("/atomgit/oauth/token", ["POST"], gitee_token),
]
