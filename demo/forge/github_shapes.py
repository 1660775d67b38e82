"""The JSON that GitHub's REST interface shows: only fields of its published OpenAPI document, reduced to those in
use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from demo.forge.ids import node_id
from demo.forge.model import LocalAccount, LocalFile, LocalPullRequest, LocalRepository, LocalReview

GHOST_ID = 10137
_KINDS = {"User": "U", "Organization": "O", "Bot": "BOT", "Mannequin": "M"}
Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """Return GitHub's form of a time: UTC, whole seconds, ``Z``."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account_node(account: LocalAccount) -> str:
    return node_id(_KINDS[account.kind], account.id)


def repository_node(repository: LocalRepository) -> str:
    return node_id("R", repository.id)


def pull_node(pull: LocalPullRequest) -> str:
    return node_id("PR", pull.repository.id, pull.id)


def simple_user(account: LocalAccount | None, api: str, web: str) -> Json:
    """Return ``ghost`` for an account that is gone."""
    gone = account is None or account.deleted
    login = "ghost" if gone or account is None else account.login
    kind = "User" if gone or account is None else account.kind
    return {
        "login": login,
        "id": GHOST_ID if gone or account is None else account.id,
        "node_id": node_id("U", GHOST_ID) if gone or account is None else account_node(account),
        "avatar_url": f"{web}/{login}.png",
        "gravatar_id": "",
        "url": f"{api}/users/{login}",
        "html_url": f"{web}/{login}",
        "repos_url": f"{api}/users/{login}/repos",
        "events_url": f"{api}/users/{login}/events{{/privacy}}",
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def full_user(account: LocalAccount, repositories: int, api: str, web: str) -> Json:
    made = account.created_at or datetime(2015, 1, 1, tzinfo=UTC)
    return {
        **simple_user(account, api, web),
        "name": account.name or None,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": repositories,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(made),
        "updated_at": stamp(made),
    }


def licence(spdx: str | None, api: str) -> Json | None:
    if spdx is None:
        return None
    key = spdx.lower()
    return {
        "key": key,
        "name": spdx,
        "spdx_id": spdx,
        "url": f"{api}/licenses/{key}",
        "node_id": node_id("L", key),
    }


def repository(repo: LocalRepository, api: str, web: str, *, whole: bool = False) -> Json:
    url = f"{api}/repos/{repo.full_name}"
    body: Json = {
        "id": repo.id,
        "node_id": repository_node(repo),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": simple_user(repo.owner, api, web),
        "html_url": f"{web}/{repo.full_name}",
        "description": repo.description,
        "fork": repo.parent is not None,
        "url": url,
        "pulls_url": f"{url}/pulls{{/number}}",
        "commits_url": f"{url}/commits{{/sha}}",
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "pushed_at": stamp(repo.created_at),
        "clone_url": f"{web}/{repo.full_name}.git",
        "mirror_url": repo.mirror_of,
        "size": 1024,
        "stargazers_count": repo.stars,
        "watchers_count": repo.stars,
        "language": repo.language,
        "forks_count": 0,
        "archived": repo.archived,
        "disabled": False,
        "open_issues_count": 0,
        "license": licence(repo.licence, api),
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
        "topics": [],
    }
    if whole and repo.parent is not None:
        body["parent"] = body["source"] = repository(repo.parent, api, web)
    return body


def label(name: str, repo: LocalRepository, api: str) -> Json:
    return {
        "id": sum(name.encode()) + repo.id,
        "node_id": node_id("LA", repo.id, name),
        "url": f"{api}/repos/{repo.full_name}/labels/{name}",
        "name": name,
        "color": "ededed",
        "default": False,
        "description": None,
    }


def association(pull: LocalPullRequest) -> str:
    return "MEMBER" if pull.merged_by is pull.author else "CONTRIBUTOR"


def pull_request(pull: LocalPullRequest, api: str, web: str, *, whole: bool = False) -> Json:
    """``whole`` adds what only the page of a single pull request has: counts and who merged."""
    repo = pull.repository
    url = f"{api}/repos/{repo.full_name}"
    page = f"{web}/{repo.full_name}/pull/{pull.number}"
    head = pull.head if pull.head is not None and pull.head.visible else None
    body: Json = {
        "url": f"{url}/pulls/{pull.number}",
        "id": pull.id,
        "node_id": pull_node(pull),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": f"{url}/issues/{pull.number}",
        "number": pull.number,
        "state": "open" if pull.state == "open" else "closed",
        "locked": False,
        "title": pull.title,
        "user": simple_user(pull.author, api, web),
        "body": pull.body or None,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "merged_at": stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "labels": [label(name, repo, api) for name in pull.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{url}/pulls/{pull.number}/commits",
        "head": {
            "label": f"{head.owner.login if head else repo.owner.login}:{pull.head_branch}",
            "ref": pull.head_branch,
            "sha": pull.head_sha,
            "user": simple_user(head.owner if head else pull.author, api, web),
            "repo": repository(head, api, web) if head else None,
        },
        "base": {
            "label": f"{repo.owner.login}:{repo.default_branch}",
            "ref": repo.default_branch,
            "sha": "0" * 40,
            "user": simple_user(repo.owner, api, web),
            "repo": repository(repo, api, web),
        },
        "author_association": association(pull),
        "auto_merge": None,
    }
    if whole:
        merger = pull.merged_by
        body |= {
            "merged": pull.state == "merged",
            "mergeable": None,
            "mergeable_state": "unknown",
            "merged_by": simple_user(merger, api, web) if merger else None,
            "comments": 0,
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(pull.commit_shas),
            "additions": pull.additions,
            "deletions": pull.deletions,
            "changed_files": pull.changed_files,
        }
    return body


def issue(pull: LocalPullRequest, api: str, web: str) -> Json:
    """A pull request in a search or on an issue page: without its repository, with ``pull_request``."""
    url = f"{api}/repos/{pull.repository.full_name}"
    page = f"{web}/{pull.repository.full_name}/pull/{pull.number}"
    return {
        "url": f"{url}/issues/{pull.number}",
        "repository_url": url,
        "html_url": page,
        "id": pull.id,
        "node_id": pull_node(pull),
        "number": pull.number,
        "title": pull.title,
        "user": simple_user(pull.author, api, web),
        "labels": [label(name, pull.repository, api) for name in pull.labels],
        "state": "open" if pull.state == "open" else "closed",
        "locked": False,
        "comments": 0,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "author_association": association(pull),
        "draft": pull.draft,
        "body": pull.body or None,
        "score": 1.0,
        "pull_request": {
            "url": f"{url}/pulls/{pull.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": stamp(pull.merged_at),
        },
    }


def changed_file(file: LocalFile, pull: LocalPullRequest, web: str) -> Json:
    return {
        "sha": pull.head_sha,
        "filename": file.path,
        "status": "modified",
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{web}/{pull.repository.full_name}/blob/{pull.head_sha}/{file.path}",
        "raw_url": f"{web}/{pull.repository.full_name}/raw/{pull.head_sha}/{file.path}",
        "contents_url": f"{web}/{pull.repository.full_name}/contents/{file.path}",
    }


def email(account: LocalAccount) -> str:
    """Return GitHub's address that hides the real one. It contains the id, and anyone can type it."""
    return f"{account.id}+{account.login}@users.noreply.{account.forge}.com"


def message(pull: LocalPullRequest, sha: str = "") -> str:
    """Return a squashed commit's message: title, number, and a trailer for each co-author. A closing commit has its own
    message."""
    if sha and sha == pull.closer:
        return pull.closer_message or f"{pull.title}\n\nCloses #{pull.number}"
    trailers = [f"Co-authored-by: {who.name or who.login} <{email(who)}>" for who in pull.co_authors]
    return "\n\n".join([f"{pull.title} (#{pull.number})", *(["\n".join(trailers)] if trailers else [])])


def commit_author(pull: LocalPullRequest, sha: str) -> LocalAccount:
    """Return who wrote a commit. On a branch: first the opener's, then one commit of each co-author. Merge commit: the
    opener."""
    if sha in pull.commit_shas:
        return (pull.author, *pull.co_authors)[pull.commit_shas.index(sha)]
    return pull.author


def commit(pull: LocalPullRequest, sha: str, api: str, web: str) -> Json:
    author = commit_author(pull, sha)
    landed = sha in (pull.merge_commit, pull.closer)
    at = stamp(pull.closed_at if landed else pull.created_at)
    signed = {"name": author.name or author.login, "email": email(author), "date": at}
    url = f"{api}/repos/{pull.repository.full_name}"
    return {
        "sha": sha,
        "node_id": node_id("C", pull.repository.id, sha),
        "commit": {
            "author": signed,
            "committer": signed,
            "message": message(pull, sha) if landed else pull.title,
            "tree": {"sha": sha, "url": f"{url}/git/trees/{sha}"},
            "url": f"{url}/git/commits/{sha}",
            "comment_count": 0,
        },
        "url": f"{url}/commits/{sha}",
        "html_url": f"{web}/{pull.repository.full_name}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "author": None if author.deleted else simple_user(author, api, web),
        "committer": None if author.deleted else simple_user(author, api, web),
        "parents": [],
    }


def review(item: LocalReview, pull: LocalPullRequest, api: str, web: str) -> Json:
    page = f"{web}/{pull.repository.full_name}/pull/{pull.number}"
    return {
        "id": item.id,
        "node_id": node_id("PRR", pull.id, item.id),
        "user": simple_user(item.author, api, web),
        "body": "",
        "state": item.state,
        "html_url": f"{page}#pullrequestreview-{item.id}",
        "pull_request_url": f"{api}/repos/{pull.repository.full_name}/pulls/{pull.number}",
        "author_association": "MEMBER",
        "submitted_at": stamp(item.submitted_at),
        "commit_id": pull.head_sha,
    }
