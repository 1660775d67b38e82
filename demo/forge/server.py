"""The server: all forges under one address, over real HTTP, in its own thread or as a process."""

from __future__ import annotations

import hashlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from demo.forge import faults, gitee, github_graphql, github_rest, oauth, pages
from demo.forge.credentials import ForgeCredentials, environment
from demo.forge.http import ForgeCall, StopWithResponse, answer
from demo.forge.limits import CallerBudget, ForgeLimits
from demo.forge.log import LoggedRequest, RequestLog
from demo.forge.model import FORGES, ForgeName
from demo.forge.rows import CARRIED, fill, read
from demo.forge.world import ForgeWorld

VERSIONS = ("2022-11-28", "2026-03-10")
Route = tuple[str, Callable[..., Response]]


class LocalForge:
    """GitHub, Gitee and AtomGit on this machine. ``with LocalForge() as forge:`` serves until the block ends.

    ``rows`` are as in ``demo/data/changes.jsonl`` (None: the included ones; an empty list: an empty forge). ``port`` 0
    takes a free port. ``clock`` is the forge's own clock for limits, codes and tokens.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]] | None = None,
        port: int = 0,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        host: str = "127.0.0.1",
    ) -> None:
        self.clock = clock
        self.world: ForgeWorld = ForgeWorld()
        fill(self.world, read(CARRIED) if rows is None else rows)
        self.credentials = ForgeCredentials.standard(self.world)
        self.featured: list[str] = []
        """Logins that the sign-in pages offer first."""
        self.faults = faults.PlayedFaults()
        self.limits = ForgeLimits()
        self.log = RequestLog()
        self._server = _ForgeServer(host, port, self._application)
        self.url = f"http://{host}:{self._server.server_port}"
        self.github_url = f"{self.url}/github"
        self.github_api_url = f"{self.github_url}/api/v3"
        self.gitee_url = f"{self.url}/gitee"
        self.gitee_api_url = f"{self.gitee_url}/api/v5"
        self.atomgit_url = f"{self.url}/atomgit"
        self.atomgit_api_url = f"{self.atomgit_url}/api/v5"
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LocalForge:
        self._thread = threading.Thread(target=self.serve, name="local-forge", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._server.server_close()

    def serve(self) -> None:
        """Serve in this thread until `stop`."""
        self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """End `serve`, from another thread."""
        self._server.shutdown()

    def web_url(self, forge: ForgeName) -> str:
        return f"{self.url}/{forge}"

    def api_url(self, forge: ForgeName) -> str:
        return f"{self.web_url(forge)}/api/{'v3' if forge == 'github' else 'v5'}"

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point the settings at this forge."""
        return environment(self.url)

    # -- one request -----------------------------------------------------------------------------------------------

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        forge: ForgeName = next((name for name in FORGES if request.path.startswith(f"/{name}")), "github")
        call = ForgeCall(self, request, forge, self.clock())
        fault = self.faults.take(call)
        status = 0
        try:
            response = faults.suffer(fault, call, lambda: self._answer(call)) if fault else self._answer(call)
            status = response.status_code
        finally:
            self.log.add(
                LoggedRequest(
                    call.now,
                    forge,
                    request.method,
                    request.path,
                    request.query_string.decode(errors="replace"),
                    status,
                    call.points,
                    call.caller,
                    fault.kind if fault else None,
                    call.not_before,
                )
            )
        return response(environ, start_response)

    def _answer(self, call: ForgeCall) -> Response:
        try:
            rule, arguments = ROUTES.bind_to_environ(call.request.environ).match(return_rule=True)
        except (NotFound, MethodNotAllowed) as error:
            return _nowhere(call, error)
        except HTTPException as error:
            return Response(status=error.code or 400)
        kind, route = rule.endpoint
        try:
            return _KINDS[kind](call, route, arguments)
        except StopWithResponse as stop:
            return stop.response


# -- kinds of route ------------------------------------------------------------------------------------------------


def _page(call: ForgeCall, route: Callable[..., Response], arguments: Mapping[str, Any]) -> Response:
    with call.local.world.lock:
        return route(call, **arguments)


def _authenticate(call: ForgeCall, text: str | None) -> None:
    """Set the call's grant. Answer 401 for an unknown token, on every path."""
    if text is None:
        return
    call.grant = call.local.credentials.grant(call.forge, text, call.now)
    if call.grant is None:
        if call.forge != "github":
            raise StopWithResponse(401, {"message": "401 Unauthorized"})
        body = {"message": "Bad credentials", "documentation_url": github_rest.DOCUMENTATION, "status": "401"}
        raise StopWithResponse(401, body)


def _header_token(call: ForgeCall) -> str | None:
    header = call.request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() in ("token", "bearer") and token.strip() else None


def _github(call: ForgeCall, route: Callable[..., Response], arguments: Mapping[str, Any]) -> Response:
    if not call.request.headers.get("User-Agent"):
        raise StopWithResponse(
            403, {"message": "Request forbidden by administrative rules. Add a User-Agent header."}
        )
    version = call.request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
    if version not in VERSIONS:
        raise StopWithResponse(
            400, {"message": f"{version} is not a supported version.", "documentation_url": "…"}
        )
    _authenticate(call, _header_token(call))
    headers = {
        "x-github-request-id": secrets.token_hex(10).upper(),
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": version,
        "server": "github.com",
    }
    if route is github_graphql.graphql:
        response = route(call)
        response.headers.extend(headers | call.headers)
        return response
    pool = "search" if call.request.path.startswith("/github/api/v3/search/") else "core"
    pool = pool if call.grant else "anonymous"
    free = route is github_rest.rate_limit
    response, budget = _metered(call, pool, route, arguments, free=free)
    response.headers.extend(headers | _github_budget(budget))
    return response


def _github_budget(budget: CallerBudget) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(budget.limit),
        "x-ratelimit-remaining": str(budget.remaining),
        "x-ratelimit-used": str(budget.used),
        "x-ratelimit-reset": str(int(budget.reset.timestamp())),
        "x-ratelimit-resource": "core" if budget.resource == "anonymous" else budget.resource,
    }


def _gitee(call: ForgeCall, route: Callable[..., Response], arguments: Mapping[str, Any]) -> Response:
    _authenticate(call, _header_token(call) or call.request.args.get("access_token"))
    pool = call.forge if call.grant else f"{call.forge}_anonymous"
    response, budget = _metered(call, pool, route, arguments)
    response.headers["X-RateLimit-Limit"] = str(budget.limit)
    response.headers["X-RateLimit-Remaining"] = str(budget.remaining)
    return response


def _metered(
    call: ForgeCall,
    pool: str,
    route: Callable[..., Response],
    arguments: Mapping[str, Any],
    *,
    free: bool = False,
) -> tuple[Response, CallerBudget]:
    """Return the answer and what is left. If the caller has this answer already, it is a 304 and costs nothing."""
    limits = call.local.limits
    budget = limits.spend(pool, call.caller, 0, call.now)
    if not free and not budget.remaining:
        call.not_before = budget.reset
        return _over(call, pool), budget
    try:
        with call.local.world.lock:
            response = route(call, **arguments)
    except StopWithResponse as stop:
        response = stop.response
    if response.status_code == 200:
        etag = f'W/"{hashlib.sha256(response.get_data()).hexdigest()[:40]}"'
        if call.forge == "github" and call.grant and call.request.headers.get("If-None-Match") == etag:
            response, free = Response(status=304), True
        response.headers["ETag"] = etag
    return response, budget if free else limits.spend(pool, call.caller, 1, call.now)


def _over(call: ForgeCall, pool: str) -> Response:
    if call.forge != "github":
        return answer({"message": "API rate limit exceeded"}, 429)
    whom = f"user ID {call.grant.account.id}" if call.grant else f"{call.request.remote_addr}"
    message = f"API rate limit exceeded for {whom}."
    return answer({"message": message, "documentation_url": github_rest.DOCUMENTATION}, 403)


def _nowhere(call: ForgeCall, error: HTTPException) -> Response:
    if "/api/" in call.request.path:
        return answer({"message": "Not Found"}, 404)
    return pages.message("Nothing here", "This local forge has no such page.", error.code or 404)


_KINDS: dict[str, Callable[[ForgeCall, Callable[..., Response], Mapping[str, Any]], Response]] = {
    "page": _page,
    "github": _github,
    "gitee": _gitee,
}


def _rules() -> Iterable[Rule]:
    for path, route in github_rest.ROUTES:
        yield Rule(f"/github/api/v3{path}", endpoint=("github", route), methods=["GET"])
    yield Rule("/github/api/graphql", endpoint=("github", github_graphql.graphql), methods=["POST"])
    for path, route in gitee.ROUTES:
        for forge in ("gitee", "atomgit"):
            yield Rule(f"/{forge}/api/v5{path}", endpoint=("gitee", route), methods=["GET"])
    for path, methods, route in (*oauth.ROUTES, *pages.ROUTES):
        yield Rule(path, endpoint=("page", route), methods=methods)


ROUTES = Map(list(_rules()), strict_slashes=False, merge_slashes=False)


# -- the socket ----------------------------------------------------------------------------------------------------


class _ForgeRequestHandler(WSGIRequestHandler):
    """Prints no log of its requests (`LocalForge.log` has them), and can close the connection without an answer."""

    timeout = 30

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Also called for a `faults.ConnectionCut`: end with RST instead of an orderly close."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.close_connection = True


class _ForgeServer(ThreadedWSGIServer):
    """Close open connections on stop, so that nothing outlives a test."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, host: str, port: int, application: Any) -> None:
        self._open: set[socket.socket] = set()
        if port:
            # Werkzeug ends the process if the port is taken; this raises.
            socket.create_server((host, port)).close()
        super().__init__(host, port, application, handler=_ForgeRequestHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for request in list(self._open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
