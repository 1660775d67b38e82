"""Gitee's API v5 and its peculiarities: numbers of lines as text, times at +08:00, no merge commit and no counts on a
pull request, the licence as plain text, repository addresses that end in ``.git``, and no listing across repositories.

AtomGit is served from here too. It has the same interface, with these differences: account ids are text, the default
state is ``all``, there are filters by merge time, and a pull request names its merge commit and who merged it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from werkzeug.wrappers import Response

from demo.forge import keys
from demo.forge.github_shapes import commit_author, email
from demo.forge.http import ForgeCall, StopWithResponse, answer, link, number
from demo.forge.ids import shown_id
from demo.forge.invent import roll
from demo.forge.model import LocalAccount, LocalFile, LocalPullRequest, LocalRepository

BEIJING = timezone(timedelta(hours=8))
COMMITS = 250
FILES = 300
Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(BEIJING).isoformat(timespec="seconds")


def missing(what: str = "Not Found") -> StopWithResponse:
    return StopWithResponse(404, {"message": what})


def _page(call: ForgeCall, items: Sequence[Any], shape: Callable[[Any], Any]) -> Response:
    size, page = number(call, "per_page", 20, 100), number(call, "page", 1)
    last = -(-len(items) // size)
    headers = {
        "total_count": str(len(items)),
        "total_page": str(last),
        "Link": link(call, page, max(1, last)),
    }
    body = [shape(item) for item in items[(page - 1) * size : page * size]]
    return answer(body, headers={name: value for name, value in headers.items() if value})


def user_shape(call: ForgeCall, account: LocalAccount | None) -> Json | None:
    """Return None if the account is gone."""
    if account is None or account.deleted:
        return None
    url = f"{call.api}/users/{account.login}"
    return {
        "id": shown_id(account.forge, account.id),
        "login": account.login,
        "name": account.name or account.login,
        "avatar_url": f"{call.address}/assets/no_portrait.png",
        "url": url,
        "html_url": f"{call.address}/{account.login}",
        "remark": "",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "type": "User" if account.kind == "User" else "Group",
    }


def repository_shape(call: ForgeCall, repo: LocalRepository, *, parent: bool = True) -> Json:
    return {
        "id": repo.id,
        "full_name": repo.full_name,
        "human_name": f"{repo.owner.name}/{repo.name}",
        "url": f"{call.api}/repos/{repo.full_name}",
        "namespace": {
            "id": repo.owner.id,
            "path": repo.owner.login,
            "name": repo.owner.name,
            "type": "group",
        },
        "path": repo.name,
        "name": repo.name,
        "owner": user_shape(call, repo.owner),
        "description": repo.description,
        "private": repo.private,
        "public": not repo.private,
        "internal": False,
        "fork": repo.parent is not None,
        "html_url": f"{call.address}/{repo.full_name}.git",
        "ssh_url": f"git@gitee.local:{repo.full_name}.git",
        "language": repo.language,
        "forks_count": 0,
        "stargazers_count": repo.stars,
        "watchers_count": repo.stars,
        "default_branch": repo.default_branch,
        "open_issues_count": 0,
        "license": repo.licence,
        "pull_requests_enabled": True,
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "pushed_at": stamp(repo.created_at),
        "parent": repository_shape(call, repo.parent, parent=False)
        if parent and repo.parent is not None and repo.parent.visible
        else None,
        "status": "关闭" if repo.archived else "开始",
    }


def pull_shape(call: ForgeCall, pull: LocalPullRequest) -> Json:
    repo = pull.repository
    head = pull.head if pull.head is not None and pull.head.visible else None
    source = head or repo
    url = f"{call.api}/repos/{repo.full_name}/pulls/{pull.number}"
    shape = {
        "id": pull.id,
        "url": url,
        "html_url": f"{call.address}/{repo.full_name}/pulls/{pull.number}",
        "diff_url": f"{call.address}/{repo.full_name}/pulls/{pull.number}.diff",
        "patch_url": f"{call.address}/{repo.full_name}/pulls/{pull.number}.patch",
        "commits_url": f"{url}/commits",
        "comments_url": f"{url}/comments",
        "number": pull.number,
        "close_related_issue": None,
        "state": pull.state,
        "assignees_number": 1,
        "testers_number": 0,
        "assignees": [],
        "testers": [],
        "milestone": None,
        "labels": [
            {"id": roll(90_000_000, "label", repo.id, name), "name": name, "color": "ededed"}
            for name in pull.labels
        ],
        "locked": False,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "draft": pull.draft,
        "merged_at": stamp(pull.merged_at),
        "mergeable": True,
        "can_merge_check": False,
        "user": user_shape(call, pull.author),
        "title": pull.title,
        "body": pull.body,
        "head": {
            "label": pull.head_branch,
            "ref": pull.head_branch,
            "sha": pull.head_sha,
            "user": user_shape(call, source.owner),
            "repo": repository_shape(call, source, parent=False),
        },
        "base": {
            "label": repo.default_branch,
            "ref": repo.default_branch,
            "sha": "0" * 40,
            "user": user_shape(call, repo.owner),
            "repo": repository_shape(call, repo, parent=False),
        },
    }
    if call.forge == "atomgit":
        shape["merge_commit_sha"] = pull.merge_commit
        shape["merged_by"] = user_shape(call, pull.merged_by)
    return shape


def file_shape(call: ForgeCall, pull: LocalPullRequest, file: LocalFile) -> Json:
    """``patch`` is null for one file in five, as seen with large or binary files."""
    patch: Json | None = {
        "diff": "",
        "new_path": file.path,
        "old_path": file.path,
        "a_mode": "100644",
        "b_mode": "100644",
        "new_file": False,
        "renamed_file": False,
        "deleted_file": False,
        "too_large": False,
    }
    if roll(5, "patch", pull.id, file.path) == 0:
        patch = None
    where = f"{call.address}/{pull.repository.full_name}"
    return {
        "sha": pull.head_sha,
        "filename": file.path,
        "status": None,
        "additions": str(file.additions),
        "deletions": str(file.deletions),
        "blob_url": f"{where}/blob/{pull.head_sha}/{file.path}",
        "raw_url": f"{where}/raw/{pull.head_sha}/{file.path}",
        "patch": patch,
    }


def commit_shape(call: ForgeCall, pull: LocalPullRequest, sha: str) -> Json:
    author = commit_author(pull, sha)
    signed = {"name": author.name or author.login, "date": stamp(pull.created_at), "email": email(author)}
    return {
        "url": f"{call.api}/repos/{pull.repository.full_name}/commits/{sha}",
        "sha": sha,
        "html_url": f"{call.address}/{pull.repository.full_name}/commit/{sha}",
        "commit": {"author": signed, "committer": signed, "message": pull.title},
        "author": user_shape(call, author),
        "committer": user_shape(call, author),
        "parents": [],
    }


def _account(call: ForgeCall, login: str) -> LocalAccount:
    found = call.local.world.account(call.forge, login)
    if found is None:
        raise missing("404 User Not Found")
    return found


def _repository(call: ForgeCall, owner: str, name: str) -> LocalRepository:
    world = call.local.world
    full_name = f"{owner}/{name}"
    found = world.repository(call.forge, full_name)
    moved = None if found else world.moved(call.forge, full_name)
    if moved is not None and world.gitee_redirects_renames:
        tail = call.request.path.partition(f"/repos/{full_name}")[2]
        url = f"{call.api}/repos/{moved.full_name}{tail}"
        query = call.request.query_string.decode()
        url += f"?{query}" if query else ""
        raise StopWithResponse(301, {"message": "Moved Permanently", "url": url}, {"Location": url})
    if found is None:
        raise missing("project or enterprise")
    return found


def _pull(call: ForgeCall, owner: str, name: str, number: int) -> LocalPullRequest:
    found = call.local.world.pull(_repository(call, owner, name), number)
    if found is None:
        raise missing()
    return found


def own_user(call: ForgeCall) -> Response:
    if call.grant is None:
        raise StopWithResponse(401, {"message": "401 Unauthorized"})
    return user(call, call.grant.account.login)


def own_emails(call: ForgeCall) -> Response:
    if call.grant is None or "emails" not in call.grant.scope.split():
        raise StopWithResponse(403, {"message": "403 Forbidden: insufficient scope"})
    return answer([{"email": email(call.grant.account), "state": "confirmed", "scope": ["primary"]}])


def user(call: ForgeCall, login: str) -> Response:
    account = _account(call, login)
    shape = user_shape(call, account) or {}
    made = stamp(account.created_at or datetime(2018, 1, 1, tzinfo=UTC))
    return answer({**shape, "public_repos": len(call.local.world.owned_by(account)), "created_at": made})


def user_repositories(call: ForgeCall, login: str) -> Response:
    owned = call.local.world.owned_by(_account(call, login))
    return _page(call, owned, lambda repo: repository_shape(call, repo))


def user_keys(call: ForgeCall, login: str) -> Response:
    lines = keys.published(_account(call, login))
    return _page(call, lines, lambda line: {"id": roll(9_000_000, "key", line), "key": line})


def user_events(call: ForgeCall, login: str) -> Response:
    """Newest first. Continued with ``prev_id``, not with pages."""
    pulls = call.local.world.pulls_by(_account(call, login))
    pulls.sort(key=lambda pull: (pull.created_at, pull.id), reverse=True)
    if "prev_id" in call.request.args:
        places = {pull.id: at for at, pull in enumerate(pulls, 1)}
        pulls = pulls[places.get(number(call, "prev_id", 0), len(pulls)) :]
    body = [
        {
            "id": str(pull.id),
            "type": "PullRequestEvent",
            "actor": user_shape(call, pull.author),
            "repo": {"id": pull.repository.id, "full_name": pull.repository.full_name},
            "org": None,
            "public": True,
            "created_at": stamp(pull.created_at),
            "payload": {"action": "opened", "number": pull.number, "title": pull.title},
        }
        for pull in pulls[: number(call, "limit", 20, 100)]
    ]
    return answer(body)


def repository(call: ForgeCall, owner: str, name: str) -> Response:
    return answer(repository_shape(call, _repository(call, owner, name)))


def pulls(call: ForgeCall, owner: str, name: str) -> Response:
    """List open pull requests unless a state is given. ``since`` compares with the last update."""
    args, world = call.request.args, call.local.world
    repo = _repository(call, owner, name)
    if author := args.get("author"):
        account = world.account(call.forge, author)
        found = world.pulls_by(account, repo) if account else []
    else:
        found = world.pulls_in(repo)
    state = args.get("state", "open" if call.forge == "gitee" else "all")
    if state not in ("open", "closed", "merged", "all"):
        raise StopWithResponse(400, {"message": "state does not have a valid value"})
    if state != "all":
        found = [pull for pull in found if pull.state == state]
    if since := args.get("since"):
        edge = _since(since)
        found = [pull for pull in found if pull.updated_at >= edge]
    if call.forge == "atomgit":
        found = _merged_between(found, args.get("merged_after"), args.get("merged_before"))
    if wanted := args.get("labels"):
        names = set(wanted.split(","))
        found = [pull for pull in found if names <= set(pull.labels)]
    by = "updated_at" if args.get("sort") == "updated" else "created_at"
    found.sort(key=lambda pull: (getattr(pull, by), pull.id), reverse=args.get("direction", "desc") == "desc")
    return _page(call, found, lambda pull: pull_shape(call, pull))


def _merged_between(
    found: list[LocalPullRequest], after: str | None, before: str | None
) -> list[LocalPullRequest]:
    if after:
        found = [pull for pull in found if pull.merged_at is not None and pull.merged_at >= _since(after)]
    if before:
        found = [pull for pull in found if pull.merged_at is not None and pull.merged_at <= _since(before)]
    return found


def _since(text: str) -> datetime:
    """Refuse a ``+`` that was not escaped: it arrives as a space, and the error makes the mistake visible."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StopWithResponse(400, {"message": "since is invalid"}) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def pull_request(call: ForgeCall, **where: Any) -> Response:
    return answer(pull_shape(call, _pull(call, **where)))


def pull_files(call: ForgeCall, **where: Any) -> Response:
    """Return all files at once (no pages), 300 at most."""
    pull = _pull(call, **where)
    return answer([file_shape(call, pull, file) for file in pull.files[:FILES]])


def pull_commits(call: ForgeCall, **where: Any) -> Response:
    pull = _pull(call, **where)
    return answer([commit_shape(call, pull, sha) for sha in pull.commit_shas[:COMMITS]])


def commit(call: ForgeCall, owner: str, name: str, sha: str) -> Response:
    repo = _repository(call, owner, name)
    pull = call.local.world.pull_by_commit(repo, sha)
    if pull is None:
        raise missing()
    files = [
        {"filename": file.path, "additions": file.additions, "deletions": file.deletions}
        for file in pull.files
    ]
    return answer({**commit_shape(call, pull, sha), "files": files[:FILES]})


def pull_merged(call: ForgeCall, **where: Any) -> Response:
    if _pull(call, **where).state != "merged":
        raise missing()
    return Response(status=204)


def operate_logs(call: ForgeCall, **where: Any) -> Response:
    """Newest first unless ``sort=asc``. The entry ``merged_pr`` names who merged."""
    pull = _pull(call, **where)
    entries = [(pull.created_at, "created_pr", "创建了", pull.author)]
    if pull.merged_at is not None and pull.merged_by is not None:
        entries.append((pull.merged_at, "merged_pr", "合并了", pull.merged_by))
    elif pull.state == "closed" and pull.closed_at is not None:
        entries.append((pull.closed_at, "closed_pr", "关闭了", pull.author))
    body = [
        {
            "id": pull.id * 10 + at,
            "icon": "",
            "user": user_shape(call, who),
            "content": f"{words} Pull Request",
            "created_at": stamp(when),
            "action_type": action,
        }
        for at, (when, action, words, who) in enumerate(entries)
    ]
    return answer(body if call.request.args.get("sort") == "asc" else body[::-1])


def search_repositories(call: ForgeCall) -> Response:
    text = call.request.args.get("q", "").lower()
    found = [repo for repo in call.local.world.repositories(call.forge) if text in repo.full_name.lower()]
    if call.request.args.get("fork") != "true":
        found = [repo for repo in found if repo.parent is None]
    return _page(call, found, lambda repo: repository_shape(call, repo))


_PULL = "/repos/<owner>/<name>/pulls/<int:number>"
ROUTES: list[tuple[str, Callable[..., Response]]] = [
    ("/user", own_user),
    ("/emails", own_emails),
    ("/users/<login>", user),
    ("/users/<login>/repos", user_repositories),
    ("/users/<login>/keys", user_keys),
    ("/users/<login>/events", user_events),
    ("/users/<login>/events/public", user_events),
    ("/repos/<owner>/<name>", repository),
    ("/repos/<owner>/<name>/pulls", pulls),
    ("/repos/<owner>/<name>/commits/<sha>", commit),
    (_PULL, pull_request),
    (f"{_PULL}/files", pull_files),
    (f"{_PULL}/commits", pull_commits),
    (f"{_PULL}/merge", pull_merged),
    (f"{_PULL}/operate_logs", operate_logs),
    ("/search/repositories", search_repositories),
]
