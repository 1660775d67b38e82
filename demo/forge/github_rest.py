"""GitHub's REST interface, the part that the project's adapter and PyGithub need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from werkzeug.wrappers import Response

from demo.forge import github_shapes as shapes
from demo.forge import keys, search
from demo.forge.http import ForgeCall, StopWithResponse, answer, link, number
from demo.forge.invent import roll
from demo.forge.model import LocalAccount, LocalPullRequest, LocalRepository

DOCUMENTATION = "https://docs.github.com/rest"
BRANCH_COMMITS = 250
FILES = 3000


def missing() -> StopWithResponse:
    return StopWithResponse(
        404, {"message": "Not Found", "documentation_url": DOCUMENTATION, "status": "404"}
    )


def _page(
    call: ForgeCall, items: Sequence[Any], shape: Callable[[Any], Any], most: int | None = None
) -> Response:
    """Return one page of a list. ``most`` is how much of it the forge shows at all."""
    items = items if most is None else items[:most]
    size, page = number(call, "per_page", 30, 100), number(call, "page", 1)
    last = max(1, -(-len(items) // size))
    header = link(call, page, last)
    body = [shape(item) for item in items[(page - 1) * size : page * size]]
    return answer(body, headers={"Link": header} if header else None)


def _account(call: ForgeCall, login: str) -> LocalAccount:
    found = call.local.world.account("github", login)
    if found is None:
        raise missing()
    return found


def _repository(call: ForgeCall, where: dict[str, Any], tail: str) -> LocalRepository:
    """Find by name or by number. A former name is answered with 301 to the number."""
    world = call.local.world
    if "repository_id" in where:
        found = world.repository_by_id("github", where["repository_id"])
    else:
        name = f"{where['owner']}/{where['name']}"
        found = world.repository("github", name)
        moved = None if found else world.moved("github", name)
        if moved is not None:
            url = f"{call.api}/repositories/{moved.id}{tail}"
            raise StopWithResponse(
                301,
                {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION},
                {"Location": url},
            )
    if found is None:
        raise missing()
    return found


def _pull(call: ForgeCall, where: dict[str, Any], tail: str = "") -> LocalPullRequest:
    repository = _repository(call, where, f"/pulls/{where['number']}{tail}")
    found = call.local.world.pull(repository, where["number"])
    if found is None:
        raise missing()
    return found


def own_user(call: ForgeCall) -> Response:
    if call.grant is None:
        raise StopWithResponse(
            401, {"message": "Requires authentication", "documentation_url": DOCUMENTATION}
        )
    return user(call, call.grant.account.login)


def own_emails(call: ForgeCall) -> Response:
    """404 without the scope, as on GitHub."""
    if call.grant is None or not {"user", "user:email"} & set(call.grant.scope.replace(",", " ").split()):
        raise missing()
    address = shapes.email(call.grant.account)
    return answer([{"email": address, "primary": True, "verified": True, "visibility": None}])


def user(call: ForgeCall, login: str) -> Response:
    account = _account(call, login)
    owned = len(call.local.world.owned_by(account))
    return answer(shapes.full_user(account, owned, call.api, call.address))


def user_by_id(call: ForgeCall, account_id: int) -> Response:
    account = call.local.world.account_by_id("github", account_id)
    if account is None:
        raise missing()
    return user(call, account.login)


def user_keys(call: ForgeCall, login: str) -> Response:
    account = _account(call, login)
    lines = keys.published(account)
    return _page(
        call, lines, lambda line: {"id": roll(90_000_000, "key", line), "key": " ".join(line.split()[:2])}
    )


def user_signing_keys(call: ForgeCall, login: str) -> Response:
    account = _account(call, login)
    made = shapes.stamp(account.created_at) or "2022-01-01T00:00:00Z"
    return _page(
        call,
        account.signing_keys,
        lambda line: {
            "id": roll(90_000_000, "signing", line),
            "key": " ".join(line.split()[:2]),
            "title": "signing",
            "created_at": made,
        },
    )


def user_repositories(call: ForgeCall, login: str) -> Response:
    owned = call.local.world.owned_by(_account(call, login))
    return _page(call, owned, lambda item: shapes.repository(item, call.api, call.address))


def repository(call: ForgeCall, **where: Any) -> Response:
    found = _repository(call, where, "")
    return answer(shapes.repository(found, call.api, call.address, whole=True))


def pulls(call: ForgeCall, **where: Any) -> Response:
    found = call.local.world.pulls_in(_repository(call, where, "/pulls"))
    state = call.request.args.get("state", "open")
    if state != "all":
        found = [pull for pull in found if (pull.state == "open") == (state == "open")]
    by = "updated_at" if call.request.args.get("sort") == "updated" else "created_at"
    found.sort(
        key=lambda pull: (getattr(pull, by), pull.id),
        reverse=call.request.args.get("direction", "desc") == "desc",
    )
    return _page(call, found, lambda pull: shapes.pull_request(pull, call.api, call.address))


def pull_request(call: ForgeCall, **where: Any) -> Response:
    return answer(shapes.pull_request(_pull(call, where), call.api, call.address, whole=True))


def pull_files(call: ForgeCall, **where: Any) -> Response:
    pull = _pull(call, where, "/files")
    return _page(call, pull.files, lambda file: shapes.changed_file(file, pull, call.address), FILES)


def pull_commits(call: ForgeCall, **where: Any) -> Response:
    pull = _pull(call, where, "/commits")
    shown = pull.commit_shas
    return _page(call, shown, lambda sha: shapes.commit(pull, sha, call.api, call.address), BRANCH_COMMITS)


def pull_reviews(call: ForgeCall, **where: Any) -> Response:
    pull = _pull(call, where, "/reviews")
    return _page(call, pull.reviews, lambda item: shapes.review(item, pull, call.api, call.address))


def pull_merged(call: ForgeCall, **where: Any) -> Response:
    """204 if it is merged, 404 if not."""
    if _pull(call, where, "/merge").state != "merged":
        raise missing()
    return Response(status=204)


def issue(call: ForgeCall, **where: Any) -> Response:
    return answer(shapes.issue(_pull(call, where), call.api, call.address))


def commit(call: ForgeCall, sha: str, **where: Any) -> Response:
    repository = _repository(call, where, f"/commits/{sha}")
    pull = call.local.world.pull_by_commit(repository, sha)
    if pull is None:
        raise StopWithResponse(
            422, {"message": f"No commit found for SHA: {sha}", "documentation_url": DOCUMENTATION}
        )
    body = shapes.commit(pull, sha, call.api, call.address)
    body["stats"] = {
        "total": pull.additions + pull.deletions,
        "additions": pull.additions,
        "deletions": pull.deletions,
    }
    body["files"] = [shapes.changed_file(file, pull, call.address) for file in pull.files[:300]]
    return answer(body)


def commit_pulls(call: ForgeCall, sha: str, **where: Any) -> Response:
    repository = _repository(call, where, f"/commits/{sha}/pulls")
    pull = call.local.world.pull_by_commit(repository, sha)
    found = [pull] if pull else []
    return _page(call, found, lambda item: shapes.pull_request(item, call.api, call.address))


def search_issues(call: ForgeCall) -> Response:
    text = call.request.args.get("q", "")
    if not text.strip():
        raise StopWithResponse(422, _invalid("missing", None))
    try:
        found = search.find(call.local.world, "github", text)
    except search.UnsearchableUser:
        message = (
            "The listed users cannot be searched either because the users do not exist or you do not have "
            "permission to view the users."
        )
        raise StopWithResponse(422, _invalid("invalid", message)) from None
    size, page = number(call, "per_page", 30, 100), number(call, "page", 1)
    if (page - 1) * size >= search.MOST:
        text = "Only the first 1000 search results are available"
        raise StopWithResponse(422, {"message": text, "documentation_url": DOCUMENTATION})
    shown = found[: search.MOST]
    header = link(call, page, max(1, -(-len(shown) // size)))
    items = [shapes.issue(pull, call.api, call.address) for pull in shown[(page - 1) * size : page * size]]
    body = {"total_count": len(found), "incomplete_results": False, "items": items}
    return answer(body, headers={"Link": header} if header else None)


def _invalid(code: str, message: str | None) -> dict[str, Any]:
    error = {"resource": "Search", "field": "q", "code": code}
    if message:
        error = {"message": message, **error}
    return {
        "message": "Validation Failed",
        "errors": [error],
        "documentation_url": DOCUMENTATION,
        "status": "422",
    }


def rate_limit(call: ForgeCall) -> Response:
    """Return what is left in each pool. Asking costs nothing. Version 2026-03-10 has no ``rate``."""
    pools = ("core", "search", "graphql") if call.grant else ("anonymous",)
    resources = {}
    for pool in pools:
        budget = call.local.limits.spend(pool, call.caller, 0, call.now)
        resources["core" if pool == "anonymous" else pool] = {
            "limit": budget.limit,
            "used": budget.used,
            "remaining": budget.remaining,
            "reset": int(budget.reset.timestamp()),
        }
    body: dict[str, Any] = {"resources": resources}
    if call.request.headers.get("x-github-api-version", "2022-11-28") < "2026-03-10":
        body["rate"] = resources["core"]
    return answer(body)


def meta(call: ForgeCall) -> Response:
    return answer({"verifiable_password_authentication": False, "installed_version": "local"})


_OF_REPOSITORY: list[tuple[str, Callable[..., Response]]] = [
    ("", repository),
    ("/pulls", pulls),
    ("/pulls/<int:number>", pull_request),
    ("/pulls/<int:number>/files", pull_files),
    ("/pulls/<int:number>/commits", pull_commits),
    ("/pulls/<int:number>/reviews", pull_reviews),
    ("/pulls/<int:number>/merge", pull_merged),
    ("/issues/<int:number>", issue),
    ("/commits/<sha>", commit),
    ("/commits/<sha>/pulls", commit_pulls),
]
ROUTES: list[tuple[str, Callable[..., Response]]] = [
    ("/user", own_user),
    ("/user/emails", own_emails),
    ("/user/<int:account_id>", user_by_id),
    ("/users/<login>", user),
    ("/users/<login>/keys", user_keys),
    ("/users/<login>/ssh_signing_keys", user_signing_keys),
    ("/users/<login>/repos", user_repositories),
    ("/rate_limit", rate_limit),
    ("/meta", meta),
    ("/search/issues", search_issues),
    *((f"/repos/<owner>/<name>{tail}", route) for tail, route in _OF_REPOSITORY),
    *((f"/repositories/<int:repository_id>{tail}", route) for tail, route in _OF_REPOSITORY),
]
