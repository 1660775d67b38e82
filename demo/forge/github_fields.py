"""How each GraphQL field is answered from the world. One dict a type; the keys are GitHub's field names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLResolveInfo

from demo.forge import github_shapes as shapes
from demo.forge import search
from demo.forge.github_connections import chosen_pulls, cut, ordered
from demo.forge.github_objects import (
    BranchCommit,
    Commit,
    Connection,
    Contributions,
    Event,
    Mention,
    Named,
    Refusal,
    Signature,
)
from demo.forge.http import Call
from demo.forge.ids import cursor, node_id, read_node_id
from demo.forge.model import Account, Issue, PullRequest, Repository, Review

INT_MAX = 2**31 - 1
Resolver = Callable[..., Any]


def call_of(info: GraphQLResolveInfo) -> Call:
    found: Call = info.context
    return found


def _living(account: Account | None) -> Account | None:
    return None if account is None or account.deleted else account


def _not_found(kind: str, text: str) -> Refusal:
    return Refusal("NOT_FOUND", f"Could not resolve to a {kind} with the {text}.")


def _user(_: Any, info: GraphQLResolveInfo, login: str) -> Account:
    found = call_of(info).local.world.account("github", login)
    if found is None or found.kind != "User":
        raise _not_found("User", f"login of '{login}'")
    return found


def _organisation(_: Any, info: GraphQLResolveInfo, login: str) -> Account:
    found = call_of(info).local.world.account("github", login)
    if found is None or found.kind != "Organization":
        raise _not_found("Organization", f"login of '{login}'")
    return found


def _owner(_: Any, info: GraphQLResolveInfo, login: str) -> Account | None:
    return call_of(info).local.world.account("github", login)


def _repository(_: Any, info: GraphQLResolveInfo, owner: str, name: str, follow_renames: bool) -> Repository:
    world = call_of(info).local.world
    full_name = f"{owner}/{name}"
    found = world.repository("github", full_name) or (
        world.moved("github", full_name) if follow_renames else None
    )
    if found is None:
        raise _not_found("Repository", f"name '{full_name}'")
    return found


def _resolve_id(call: Call, text: str) -> Any:
    """What a global id stands for, or None."""
    world = call.local.world
    match read_node_id(text):
        case ("U" | "O" | "BOT" | "M") as kind, (int() as number,):
            found = world.account_by_id("github", number)
            return found if found is not None and shapes.account_node(found).startswith(f"{kind}_") else None
        case "R", (int() as number,):
            return world.repository_by_id("github", number)
        case "PR", (int(), int() as number):
            return world.pull_by_id("github", number)
        case "I", (int() as number,):
            return world.issue_by_id("github", number)
        case "PRR", (int() as number, int() as review_id):
            pull = world.pull_by_id("github", number)
            found = [review for review in pull.reviews if review.id == review_id] if pull else []
            return (pull, found[0]) if found else None
        case "C", (int() as number, str() as sha):
            repository = world.repository_by_id("github", number)
            pull = world.pull_by_commit(repository, sha) if repository else None
            return Commit(pull, sha) if pull else None
    return None


def _node(_: Any, info: GraphQLResolveInfo, id_: str) -> Any:
    found = _resolve_id(call_of(info), id_)
    if found is None:
        raise _not_found("node", f"global id of '{id_}'")
    return found


def _nodes(_: Any, info: GraphQLResolveInfo, ids: list[str]) -> list[Any]:
    return [_resolve_id(call_of(info), i) or _not_found("node", f"global id of '{i}'") for i in ids]


def _search(_: Any, info: GraphQLResolveInfo, query: str, type_: str, **paging: Any) -> Connection:
    """No result for a user that a search may not see: the error that REST gives is not seen here."""
    try:
        found = search.find(call_of(info).local.world, "github", query)
    except search.Unsearchable:
        found = []
    return cut(found[: search.MOST], total=len(found), **paging)


def _timeline(
    pull: PullRequest, info: GraphQLResolveInfo, item_types: list[str] | None = None, **paging: Any
) -> Connection:
    events: list[tuple[str, Event | Mention]] = []
    if pull.state == "merged":
        events.append(("MERGED_EVENT", Event(pull, merged=True)))
    if pull.state != "open":
        events.append(("CLOSED_EVENT", Event(pull, merged=False)))
    events += [("CROSS_REFERENCED_EVENT", Mention(pull, one)) for one in pull.reverted_by if one.visible]
    paging.pop("since", None)
    paging.pop("skip", None)
    return cut([event for kind, event in events if item_types is None or kind in item_types], **paging)


def _issues(
    account: Account,
    info: GraphQLResolveInfo,
    states: list[str] | None = None,
    labels: list[str] | None = None,
    filter_by: dict[str, Any] | None = None,
    order_by: dict[str, str] | None = None,
    **paging: Any,
) -> Connection:
    chosen = [
        issue
        for issue in call_of(info).local.world.issues_by(account)
        if states is None or ("CLOSED" if issue.closed_at else "OPEN") in states
    ]
    return ordered(chosen, order_by, **paging)


def _contributions(
    account: Account,
    info: GraphQLResolveInfo,
    from_: datetime | str | None = None,
    to: datetime | str | None = None,
    **_: Any,
) -> Contributions:
    """One year at most, as GitHub has it; the last one where no times are given."""
    end = _moment(to) or call_of(info).now
    start = _moment(from_) or end - timedelta(days=365)
    if end - start > timedelta(days=366):
        raise Refusal("UNPROCESSABLE", "The total time spanned by 'from' and 'to' must not exceed 1 year")
    return Contributions(account, start, end)


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _reviewed(
    asked: Contributions, info: GraphQLResolveInfo, order_by: Any = None, **paging: Any
) -> Connection:
    found = [
        one
        for one in call_of(info).local.world.reviews_by(asked.account)
        if asked.start <= one[1].submitted_at <= asked.end
    ]

    def key(one: tuple[PullRequest, Review]) -> list[float]:
        return [one[1].submitted_at.timestamp(), one[1].id]

    return cut(sorted(found, key=key, reverse=True), key=key, **paging)


def _reviews(
    pull: PullRequest,
    info: GraphQLResolveInfo,
    author: str | None = None,
    states: list[str] | None = None,
    **paging: Any,
) -> Connection:
    found = [
        (pull, review)
        for review in pull.reviews
        if (author is None or review.author.login.lower() == author.lower())
        and (states is None or review.state in states)
    ]
    return cut(found, **paging)


def _web(info: GraphQLResolveInfo, path: str) -> str:
    return call_of(info).address + path


def _pull_path(pull: PullRequest) -> str:
    return f"/{pull.repository.full_name}/pull/{pull.number}"


def _issue_path(issue: Issue) -> str:
    return f"/{issue.repository.full_name}/issues/{issue.number}"


def _small(number: int) -> int | None:
    return number if number <= INT_MAX else None


def _object(
    repo: Repository, info: GraphQLResolveInfo, oid: str | None = None, expression: str | None = None
) -> Any:
    sha = oid or expression or ""
    pull = call_of(info).local.world.pull_by_commit(repo, sha)
    return Commit(pull, sha) if pull else None


def _of(function: Callable[[Any], Any]) -> Resolver:
    """A resolver for a field that needs nothing but its object."""
    return lambda source, info, **arguments: function(source)


def _at(path: Callable[[Any], str], *, web: bool) -> Resolver:
    return lambda source, info, **arguments: _web(info, path(source)) if web else path(source)


def _place_fields(path: Callable[[Any], str]) -> dict[str, Resolver]:
    return {"resourcePath": _at(path, web=False), "url": _at(path, web=True)}


_BORN = datetime(2015, 1, 1, tzinfo=UTC)
_ACCOUNT: dict[str, Resolver] = {
    "id": _of(shapes.account_node),
    "databaseId": _of(lambda a: _small(a.id)),
    "login": _of(lambda a: a.login),
    "name": _of(lambda a: a.name or None),
    "avatarUrl": _at(lambda a: f"/{a.login}.png", web=True),
    "createdAt": _of(lambda a: a.created_at or _BORN),
    "updatedAt": _of(lambda a: a.created_at or _BORN),
    "repository": lambda a, info, name, follow_renames: call_of(info).local.world.repository(
        "github", f"{a.login}/{name}"
    ),
    **_place_fields(lambda a: f"/{a.login}"),
}


def _commit_path(commit: Commit) -> str:
    return f"/{commit.pull.repository.full_name}/commit/{commit.sha}"


FIELDS: dict[str, dict[str, Resolver]] = {
    "Query": {
        "node": _node,
        "nodes": _nodes,
        "user": _user,
        "organization": _organisation,
        "repositoryOwner": _owner,
        "repository": _repository,
        "search": _search,
        "viewer": lambda _, info: call_of(info).grant.account,  # type: ignore[union-attr]
        "rateLimit": lambda _, info, dry_run: info.operation and info.root_value["rateLimit"],
    },
    "User": {
        **_ACCOUNT,
        "contributionsCollection": _contributions,
        "issues": _issues,
        "isViewer": lambda a, info: a is call_of(info).grant.account,  # type: ignore[union-attr]
        "pullRequests": lambda a, info, **args: chosen_pulls(call_of(info).local.world.pulls_by(a), **args),
    },
    "Organization": _ACCOUNT,
    "Bot": _ACCOUNT,
    "Mannequin": _ACCOUNT,
    "Repository": {
        "id": _of(shapes.repository_node),
        "databaseId": _of(lambda r: _small(r.id)),
        "name": _of(lambda r: r.name),
        "nameWithOwner": _of(lambda r: r.full_name),
        "owner": _of(lambda r: r.owner),
        "createdAt": _of(lambda r: r.created_at),
        "updatedAt": _of(lambda r: r.created_at),
        "pushedAt": _of(lambda r: r.created_at),
        "description": _of(lambda r: r.description),
        "forkCount": _of(lambda r: 0),
        "isArchived": _of(lambda r: r.archived),
        "isDisabled": _of(lambda r: False),
        "isEmpty": _of(lambda r: False),
        "isFork": _of(lambda r: r.parent is not None),
        "isInOrganization": _of(lambda r: r.owner.kind == "Organization"),
        "isLocked": _of(lambda r: False),
        "isMirror": _of(lambda r: r.mirror_of is not None),
        "isPrivate": _of(lambda r: r.private),
        "isTemplate": _of(lambda r: False),
        "mirrorUrl": _of(lambda r: r.mirror_of),
        "licenseInfo": _of(lambda r: Named("L", r.licence, r) if r.licence else None),
        "primaryLanguage": _of(lambda r: Named("LAN", r.language, r) if r.language else None),
        "parent": _of(lambda r: r.parent if r.parent is not None and r.parent.visible else None),
        "stargazerCount": _of(lambda r: r.stars),
        "visibility": _of(lambda r: "PRIVATE" if r.private else "PUBLIC"),
        "object": _object,
        "pullRequest": lambda r, info, number: (
            call_of(info).local.world.pull(r, number) or _not_found("PullRequest", f"number of {number}")
        ),
        "pullRequests": lambda r, info, **args: chosen_pulls(call_of(info).local.world.pulls_in(r), **args),
        **_place_fields(lambda r: f"/{r.full_name}"),
    },
    "License": {
        "id": _of(lambda n: node_id(n.kind, n.name)),
        "key": _of(lambda n: n.name.lower()),
        "name": _of(lambda n: n.name),
        "spdxId": _of(lambda n: n.name),
        "pseudoLicense": _of(lambda n: n.name == "NOASSERTION"),
        "url": _of(lambda n: None),
    },
    "Language": {
        "id": _of(lambda n: node_id(n.kind, n.name)),
        "name": _of(lambda n: n.name),
        "color": _of(lambda n: None),
    },
    "Label": {
        "id": _of(lambda n: node_id("LA", n.of.id, n.name)),
        "name": _of(lambda n: n.name),
        "color": _of(lambda n: "ededed"),
        "createdAt": _of(lambda n: n.of.created_at),
        "description": _of(lambda n: None),
        "isDefault": _of(lambda n: False),
        "url": _at(lambda n: f"/{n.of.full_name}/labels/{n.name}", web=True),
    },
    "PullRequest": {
        "id": _of(shapes.pull_node),
        "databaseId": _of(lambda p: _small(p.id)),
        "fullDatabaseId": _of(lambda p: str(p.id)),
        "number": _of(lambda p: p.number),
        "title": _of(lambda p: p.title),
        "body": _of(lambda p: p.body),
        "bodyText": _of(lambda p: p.body),
        "state": _of(lambda p: p.state.upper()),
        "closed": _of(lambda p: p.state != "open"),
        "merged": _of(lambda p: p.state == "merged"),
        "isDraft": _of(lambda p: p.draft),
        "locked": _of(lambda p: False),
        "isCrossRepository": _of(lambda p: p.head is not p.repository),
        "createdAt": _of(lambda p: p.created_at),
        "updatedAt": _of(lambda p: p.updated_at),
        "closedAt": _of(lambda p: p.closed_at),
        "mergedAt": _of(lambda p: p.merged_at),
        "mergedBy": _of(lambda p: _living(p.merged_by)),
        "mergeCommit": _of(lambda p: Commit(p, p.merge_commit) if p.merge_commit else None),
        "author": _of(lambda p: _living(p.author)),
        "authorAssociation": _of(shapes.association),
        "additions": _of(lambda p: p.additions),
        "deletions": _of(lambda p: p.deletions),
        "changedFiles": _of(lambda p: p.changed_files),
        "baseRefName": _of(lambda p: p.repository.default_branch),
        "headRefName": _of(lambda p: p.head_branch),
        "headRefOid": _of(lambda p: p.head_sha),
        "repository": _of(lambda p: p.repository),
        "baseRepository": _of(lambda p: p.repository),
        "headRepository": _of(lambda p: p.head if p.head is not None and p.head.visible else None),
        "headRepositoryOwner": _of(
            lambda p: _living(p.head.owner) if p.head is not None and p.head.visible else None
        ),
        "commits": lambda p, info, **args: cut(
            [BranchCommit(Commit(p, sha)) for sha in p.commit_shas], **args
        ),
        "files": lambda p, info, **args: cut(list(p.files), total=p.changed_files, **args),
        "labels": lambda p, info, **args: cut([Named("LA", name, p.repository) for name in p.labels], **args),
        "reviews": _reviews,
        "latestReviews": _reviews,
        "timelineItems": _timeline,
        "permalink": _at(_pull_path, web=True),
        **_place_fields(_pull_path),
    },
    "Commit": {
        "id": _of(lambda c: node_id("C", c.pull.repository.id, c.sha)),
        "oid": _of(lambda c: c.sha),
        "abbreviatedOid": _of(lambda c: c.sha[:7]),
        "message": _of(lambda c: c.message),
        "messageHeadline": _of(lambda c: c.message.partition("\n")[0]),
        "messageBody": _of(lambda c: c.message.partition("\n")[2].strip()),
        "authoredDate": _of(lambda c: c.at),
        "committedDate": _of(lambda c: c.at),
        "additions": _of(lambda c: c.pull.additions),
        "deletions": _of(lambda c: c.pull.deletions),
        "changedFilesIfAvailable": _of(lambda c: c.pull.changed_files),
        "author": _of(lambda c: Signature(c.authors[0], c.at)),
        "committer": _of(lambda c: Signature(c.authors[0], c.at)),
        "authors": lambda c, info, **args: cut([Signature(who, c.at) for who in c.authors], **args),
        "associatedPullRequests": lambda c, info, **args: ordered(
            [c.pull], args.pop("order_by", None), **args
        ),
        "repository": _of(lambda c: c.pull.repository),
        "commitUrl": _at(_commit_path, web=True),
        **_place_fields(_commit_path),
    },
    "GitActor": {
        "date": _of(lambda s: s.at),
        "email": _of(lambda s: shapes.email(s.account)),
        "name": _of(lambda s: s.account.name or s.account.login),
        "user": _of(lambda s: _living(s.account)),
    },
    "PullRequestChangedFile": {
        "path": _of(lambda f: f.path),
        "additions": _of(lambda f: f.additions),
        "deletions": _of(lambda f: f.deletions),
        "changeType": _of(lambda f: "MODIFIED"),
    },
    "PullRequestCommit": {
        "id": _of(lambda b: node_id("PURC", b.commit.pull.id, b.commit.sha)),
        "commit": _of(lambda b: b.commit),
        "pullRequest": _of(lambda b: b.commit.pull),
        **_place_fields(lambda b: f"{_pull_path(b.commit.pull)}/commits/{b.commit.sha}"),
    },
    "PullRequestReview": {
        "id": _of(lambda pr: node_id("PRR", pr[0].id, pr[1].id)),
        "fullDatabaseId": _of(lambda pr: str(pr[1].id)),
        "author": _of(lambda pr: _living(pr[1].author)),
        "authorAssociation": _of(lambda pr: "MEMBER"),
        "body": _of(lambda pr: ""),
        "state": _of(lambda pr: pr[1].state),
        "createdAt": _of(lambda pr: pr[1].submitted_at),
        "updatedAt": _of(lambda pr: pr[1].submitted_at),
        "submittedAt": _of(lambda pr: pr[1].submitted_at),
        "pullRequest": _of(lambda pr: pr[0]),
        "repository": _of(lambda pr: pr[0].repository),
        "url": _at(lambda pr: f"{_pull_path(pr[0])}#pullrequestreview-{pr[1].id}", web=True),
    },
    "Issue": {
        "id": _of(lambda i: node_id("I", i.id)),
        "fullDatabaseId": _of(lambda i: str(i.id)),
        "number": _of(lambda i: i.number),
        "title": _of(lambda i: i.title),
        "author": _of(lambda i: _living(i.author)),
        "state": _of(lambda i: "CLOSED" if i.closed_at else "OPEN"),
        "stateReason": _of(lambda i: i.reason),
        "closed": _of(lambda i: i.closed_at is not None),
        "createdAt": _of(lambda i: i.created_at),
        "updatedAt": _of(lambda i: i.updated_at),
        "closedAt": _of(lambda i: i.closed_at),
        "labels": lambda i, info, **args: cut([Named("LA", name, i.repository) for name in i.labels], **args),
        "repository": _of(lambda i: i.repository),
        **_place_fields(_issue_path),
    },
    "ContributionsCollection": {
        "startedAt": _of(lambda c: c.start),
        "endedAt": _of(lambda c: c.end),
        "pullRequestReviewContributions": _reviewed,
    },
    "CreatedPullRequestReviewContribution": {
        "isRestricted": _of(lambda pr: False),
        "occurredAt": _of(lambda pr: pr[1].submitted_at),
        "pullRequest": _of(lambda pr: pr[0]),
        "pullRequestReview": _of(lambda pr: pr),
        "repository": _of(lambda pr: pr[0].repository),
    },
    "CrossReferencedEvent": {
        "id": _of(lambda m: node_id("CRE", m.pull.id, m.source.id)),
        "actor": _of(lambda m: _living(m.source.author)),
        "createdAt": _of(lambda m: m.source.created_at),
        "referencedAt": _of(lambda m: m.source.created_at),
        "isCrossRepository": _of(lambda m: m.source.repository is not m.pull.repository),
        "source": _of(lambda m: m.source),
        "target": _of(lambda m: m.pull),
        "willCloseTarget": _of(lambda m: False),
        **_place_fields(lambda m: _pull_path(m.source)),
    },
    "ClosedEvent": {
        "id": _of(lambda e: node_id("CE", e.pull.id)),
        "actor": _of(lambda e: _living(e.pull.merged_by or e.pull.author)),
        "closer": _of(lambda e: Commit(e.pull, e.pull.closer) if e.pull.closer else None),
        "createdAt": _of(lambda e: e.pull.closed_at),
        **_place_fields(lambda e: f"{_pull_path(e.pull)}#event-{e.pull.id}"),
    },
    "MergedEvent": {
        "id": _of(lambda e: node_id("ME", e.pull.id)),
        "actor": _of(lambda e: _living(e.pull.merged_by)),
        "commit": _of(lambda e: Commit(e.pull, e.pull.merge_commit) if e.pull.merge_commit else None),
        "createdAt": _of(lambda e: e.pull.merged_at),
        "mergeRefName": _of(lambda e: e.pull.repository.default_branch),
        "pullRequest": _of(lambda e: e.pull),
        **_place_fields(lambda e: f"{_pull_path(e.pull)}#event-{e.pull.id}"),
    },
    "PageInfo": {
        "hasNextPage": _of(lambda c: c.after),
        "hasPreviousPage": _of(lambda c: c.before),
        "startCursor": _of(lambda c: cursor(c.keys[0]) if c.keys else None),
        "endCursor": _of(lambda c: cursor(c.keys[-1]) if c.keys else None),
    },
}
CONNECTION: dict[str, Resolver] = {
    "edges": _of(lambda c: list(zip(c.keys, c.items, strict=True))),
    "nodes": _of(lambda c: c.items),
    "pageInfo": _of(lambda c: c),
    "totalCount": _of(lambda c: c.total),
    "issueCount": _of(lambda c: c.total),
    "filteredCount": _of(lambda c: c.total),
    "pageCount": _of(lambda c: len(c.items)),
    "updatedAt": _of(lambda c: c.items[0].pull.updated_at if c.items else _BORN),
}
EDGE: dict[str, Resolver] = {"cursor": _of(lambda e: cursor(e[0])), "node": _of(lambda e: e[1])}
