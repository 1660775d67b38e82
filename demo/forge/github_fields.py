"""How each GraphQL field is answered from the world. One dict for each type; the keys are GitHub's field names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLResolveInfo

from demo.forge import github_shapes as shapes
from demo.forge import search
from demo.forge.github_activity import ACTIVITY, contributions, issues
from demo.forge.github_connections import chosen_pulls, cut, ordered
from demo.forge.github_objects import (
    BranchCommit,
    CommitSignature,
    ConnectionPage,
    NamedNode,
    PullRequestMention,
    QueryRefusal,
    ShownCommit,
    TimelineEvent,
)
from demo.forge.github_resolving import (
    Resolver,
    at,
    call_of,
    living,
    of,
    place_fields,
    pull_path,
)
from demo.forge.http import ForgeCall
from demo.forge.ids import cursor, node_id, read_node_id
from demo.forge.model import LocalAccount, LocalPullRequest, LocalRepository

INT_MAX = 2**31 - 1


def _not_found(kind: str, text: str) -> QueryRefusal:
    return QueryRefusal("NOT_FOUND", f"Could not resolve to a {kind} with the {text}.")


def _user(_: Any, info: GraphQLResolveInfo, login: str) -> LocalAccount:
    found = call_of(info).local.world.account("github", login)
    if found is None or found.kind != "User":
        raise _not_found("User", f"login of '{login}'")
    return found


def _organisation(_: Any, info: GraphQLResolveInfo, login: str) -> LocalAccount:
    found = call_of(info).local.world.account("github", login)
    if found is None or found.kind != "Organization":
        raise _not_found("Organization", f"login of '{login}'")
    return found


def _owner(_: Any, info: GraphQLResolveInfo, login: str) -> LocalAccount | None:
    return call_of(info).local.world.account("github", login)


def _repository(
    _: Any, info: GraphQLResolveInfo, owner: str, name: str, follow_renames: bool
) -> LocalRepository:
    world = call_of(info).local.world
    full_name = f"{owner}/{name}"
    found = world.repository("github", full_name) or (
        world.moved("github", full_name) if follow_renames else None
    )
    if found is None:
        raise _not_found("Repository", f"name '{full_name}'")
    return found


def _resolve_id(call: ForgeCall, text: str) -> Any:
    """Return the object with this global id, or None."""
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
            reviewed = world.pull_by_id("github", number)
            reviews = [review for review in reviewed.reviews if review.id == review_id] if reviewed else []
            return (reviewed, reviews[0]) if reviews else None
        case "C", (int() as number, str() as sha):
            repository = world.repository_by_id("github", number)
            pull = world.pull_by_commit(repository, sha) if repository else None
            return ShownCommit(pull, sha) if pull else None
    return None


def _node(_: Any, info: GraphQLResolveInfo, id_: str) -> Any:
    found = _resolve_id(call_of(info), id_)
    if found is None:
        raise _not_found("node", f"global id of '{id_}'")
    return found


def _nodes(_: Any, info: GraphQLResolveInfo, ids: list[str]) -> list[Any]:
    return [_resolve_id(call_of(info), i) or _not_found("node", f"global id of '{i}'") for i in ids]


def _search(_: Any, info: GraphQLResolveInfo, query: str, type_: str, **paging: Any) -> ConnectionPage:
    """Return no result for a user that a search may not see. REST gives an error here, GraphQL does not."""
    try:
        found = search.find(call_of(info).local.world, "github", query)
    except search.UnsearchableUser:
        found = []
    return cut(found[: search.MOST], total=len(found), **paging)


def _timeline(
    pull: LocalPullRequest, info: GraphQLResolveInfo, item_types: list[str] | None = None, **paging: Any
) -> ConnectionPage:
    events: list[tuple[str, TimelineEvent | PullRequestMention]] = []
    if pull.state == "merged":
        events.append(("MERGED_EVENT", TimelineEvent(pull, merged=True)))
    if pull.state != "open":
        events.append(("CLOSED_EVENT", TimelineEvent(pull, merged=False)))
    events += [
        ("CROSS_REFERENCED_EVENT", PullRequestMention(pull, revert))
        for revert in pull.reverted_by
        if revert.visible
    ]
    paging.pop("since", None)
    paging.pop("skip", None)
    return cut([event for kind, event in events if item_types is None or kind in item_types], **paging)


def _reviews(
    pull: LocalPullRequest,
    info: GraphQLResolveInfo,
    author: str | None = None,
    states: list[str] | None = None,
    **paging: Any,
) -> ConnectionPage:
    found = [
        (pull, review)
        for review in pull.reviews
        if (author is None or review.author.login.lower() == author.lower())
        and (states is None or review.state in states)
    ]
    return cut(found, **paging)


def _small(number: int) -> int | None:
    return number if number <= INT_MAX else None


def _object(
    repo: LocalRepository, info: GraphQLResolveInfo, oid: str | None = None, expression: str | None = None
) -> Any:
    sha = oid or expression or ""
    pull = call_of(info).local.world.pull_by_commit(repo, sha)
    return ShownCommit(pull, sha) if pull else None


_BORN = datetime(2015, 1, 1, tzinfo=UTC)
_ACCOUNT: dict[str, Resolver] = {
    "id": of(shapes.account_node),
    "databaseId": of(lambda a: _small(a.id)),
    "login": of(lambda a: a.login),
    "name": of(lambda a: a.name or None),
    "avatarUrl": at(lambda a: f"/{a.login}.png", on_web=True),
    "createdAt": of(lambda a: a.created_at or _BORN),
    "updatedAt": of(lambda a: a.created_at or _BORN),
    "repository": lambda a, info, name, follow_renames: call_of(info).local.world.repository(
        "github", f"{a.login}/{name}"
    ),
    **place_fields(lambda a: f"/{a.login}"),
}


def _commit_path(commit: ShownCommit) -> str:
    return f"/{commit.pull.repository.full_name}/commit/{commit.sha}"


FIELDS: dict[str, dict[str, Resolver]] = {
    **ACTIVITY,
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
        "contributionsCollection": contributions,
        "issues": issues,
        "isViewer": lambda a, info: a is call_of(info).grant.account,  # type: ignore[union-attr]
        "pullRequests": lambda a, info, **args: chosen_pulls(call_of(info).local.world.pulls_by(a), **args),
    },
    "Organization": _ACCOUNT,
    "Bot": _ACCOUNT,
    "Mannequin": _ACCOUNT,
    "Repository": {
        "id": of(shapes.repository_node),
        "databaseId": of(lambda r: _small(r.id)),
        "name": of(lambda r: r.name),
        "nameWithOwner": of(lambda r: r.full_name),
        "owner": of(lambda r: r.owner),
        "createdAt": of(lambda r: r.created_at),
        "updatedAt": of(lambda r: r.created_at),
        "pushedAt": of(lambda r: r.created_at),
        "description": of(lambda r: r.description),
        "forkCount": of(lambda r: 0),
        "isArchived": of(lambda r: r.archived),
        "isDisabled": of(lambda r: False),
        "isEmpty": of(lambda r: False),
        "isFork": of(lambda r: r.parent is not None),
        "isInOrganization": of(lambda r: r.owner.kind == "Organization"),
        "isLocked": of(lambda r: False),
        "isMirror": of(lambda r: r.mirror_of is not None),
        "isPrivate": of(lambda r: r.private),
        "isTemplate": of(lambda r: False),
        "mirrorUrl": of(lambda r: r.mirror_of),
        "licenseInfo": of(lambda r: NamedNode("L", r.licence, r) if r.licence else None),
        "primaryLanguage": of(lambda r: NamedNode("LAN", r.language, r) if r.language else None),
        "parent": of(lambda r: r.parent if r.parent is not None and r.parent.visible else None),
        "stargazerCount": of(lambda r: r.stars),
        "visibility": of(lambda r: "PRIVATE" if r.private else "PUBLIC"),
        "object": _object,
        "pullRequest": lambda r, info, number: (
            call_of(info).local.world.pull(r, number) or _not_found("PullRequest", f"number of {number}")
        ),
        "pullRequests": lambda r, info, **args: chosen_pulls(call_of(info).local.world.pulls_in(r), **args),
        **place_fields(lambda r: f"/{r.full_name}"),
    },
    "License": {
        "id": of(lambda n: node_id(n.kind, n.name)),
        "key": of(lambda n: n.name.lower()),
        "name": of(lambda n: n.name),
        "spdxId": of(lambda n: n.name),
        "pseudoLicense": of(lambda n: n.name == "NOASSERTION"),
        "url": of(lambda n: None),
    },
    "Language": {
        "id": of(lambda n: node_id(n.kind, n.name)),
        "name": of(lambda n: n.name),
        "color": of(lambda n: None),
    },
    "Label": {
        "id": of(lambda n: node_id("LA", n.of.id, n.name)),
        "name": of(lambda n: n.name),
        "color": of(lambda n: "ededed"),
        "createdAt": of(lambda n: n.of.created_at),
        "description": of(lambda n: None),
        "isDefault": of(lambda n: False),
        "url": at(lambda n: f"/{n.of.full_name}/labels/{n.name}", on_web=True),
    },
    "PullRequest": {
        "id": of(shapes.pull_node),
        "databaseId": of(lambda p: _small(p.id)),
        "fullDatabaseId": of(lambda p: str(p.id)),
        "number": of(lambda p: p.number),
        "title": of(lambda p: p.title),
        "body": of(lambda p: p.body),
        "bodyText": of(lambda p: p.body),
        "state": of(lambda p: p.state.upper()),
        "closed": of(lambda p: p.state != "open"),
        "merged": of(lambda p: p.state == "merged"),
        "isDraft": of(lambda p: p.draft),
        "locked": of(lambda p: False),
        "isCrossRepository": of(lambda p: p.head is not p.repository),
        "createdAt": of(lambda p: p.created_at),
        "updatedAt": of(lambda p: p.updated_at),
        "closedAt": of(lambda p: p.closed_at),
        "mergedAt": of(lambda p: p.merged_at),
        "mergedBy": of(lambda p: living(p.merged_by)),
        "mergeCommit": of(lambda p: ShownCommit(p, p.merge_commit) if p.merge_commit else None),
        "author": of(lambda p: living(p.author)),
        "authorAssociation": of(shapes.association),
        "additions": of(lambda p: p.additions),
        "deletions": of(lambda p: p.deletions),
        "changedFiles": of(lambda p: p.changed_files),
        "baseRefName": of(lambda p: p.repository.default_branch),
        "headRefName": of(lambda p: p.head_branch),
        "headRefOid": of(lambda p: p.head_sha),
        "repository": of(lambda p: p.repository),
        "baseRepository": of(lambda p: p.repository),
        "headRepository": of(lambda p: p.head if p.head is not None and p.head.visible else None),
        "headRepositoryOwner": of(
            lambda p: living(p.head.owner) if p.head is not None and p.head.visible else None
        ),
        "commits": lambda p, info, **args: cut(
            [BranchCommit(ShownCommit(p, sha)) for sha in p.commit_shas], **args
        ),
        "files": lambda p, info, **args: cut(list(p.files), total=p.changed_files, **args),
        "labels": lambda p, info, **args: cut(
            [NamedNode("LA", name, p.repository) for name in p.labels], **args
        ),
        "reviews": _reviews,
        "latestReviews": _reviews,
        "timelineItems": _timeline,
        "permalink": at(pull_path, on_web=True),
        **place_fields(pull_path),
    },
    "Commit": {
        "id": of(lambda c: node_id("C", c.pull.repository.id, c.sha)),
        "oid": of(lambda c: c.sha),
        "abbreviatedOid": of(lambda c: c.sha[:7]),
        "message": of(lambda c: c.message),
        "messageHeadline": of(lambda c: c.message.partition("\n")[0]),
        "messageBody": of(lambda c: c.message.partition("\n")[2].strip()),
        "authoredDate": of(lambda c: c.at),
        "committedDate": of(lambda c: c.at),
        "additions": of(lambda c: c.pull.additions),
        "deletions": of(lambda c: c.pull.deletions),
        "changedFilesIfAvailable": of(lambda c: c.pull.changed_files),
        "author": of(lambda c: CommitSignature(c.authors[0], c.at)),
        "committer": of(lambda c: CommitSignature(c.authors[0], c.at)),
        "authors": lambda c, info, **args: cut([CommitSignature(who, c.at) for who in c.authors], **args),
        "associatedPullRequests": lambda c, info, **args: ordered(
            [c.pull], args.pop("order_by", None), **args
        ),
        "repository": of(lambda c: c.pull.repository),
        "commitUrl": at(_commit_path, on_web=True),
        **place_fields(_commit_path),
    },
    "GitActor": {
        "date": of(lambda s: s.at),
        "email": of(lambda s: shapes.email(s.account)),
        "name": of(lambda s: s.account.name or s.account.login),
        "user": of(lambda s: living(s.account)),
    },
    "PullRequestChangedFile": {
        "path": of(lambda f: f.path),
        "additions": of(lambda f: f.additions),
        "deletions": of(lambda f: f.deletions),
        "changeType": of(lambda f: "MODIFIED"),
    },
    "PullRequestCommit": {
        "id": of(lambda b: node_id("PURC", b.commit.pull.id, b.commit.sha)),
        "commit": of(lambda b: b.commit),
        "pullRequest": of(lambda b: b.commit.pull),
        **place_fields(lambda b: f"{pull_path(b.commit.pull)}/commits/{b.commit.sha}"),
    },
    "PullRequestReview": {
        "id": of(lambda pr: node_id("PRR", pr[0].id, pr[1].id)),
        "fullDatabaseId": of(lambda pr: str(pr[1].id)),
        "author": of(lambda pr: living(pr[1].author)),
        "authorAssociation": of(lambda pr: "MEMBER"),
        "body": of(lambda pr: ""),
        "state": of(lambda pr: pr[1].state),
        "createdAt": of(lambda pr: pr[1].submitted_at),
        "updatedAt": of(lambda pr: pr[1].submitted_at),
        "submittedAt": of(lambda pr: pr[1].submitted_at),
        "pullRequest": of(lambda pr: pr[0]),
        "repository": of(lambda pr: pr[0].repository),
        "url": at(lambda pr: f"{pull_path(pr[0])}#pullrequestreview-{pr[1].id}", on_web=True),
    },
    "ClosedEvent": {
        "id": of(lambda e: node_id("CE", e.pull.id)),
        "actor": of(lambda e: living(e.pull.merged_by or e.pull.author)),
        "closer": of(lambda e: ShownCommit(e.pull, e.pull.closer) if e.pull.closer else None),
        "createdAt": of(lambda e: e.pull.closed_at),
        **place_fields(lambda e: f"{pull_path(e.pull)}#event-{e.pull.id}"),
    },
    "MergedEvent": {
        "id": of(lambda e: node_id("ME", e.pull.id)),
        "actor": of(lambda e: living(e.pull.merged_by)),
        "commit": of(lambda e: ShownCommit(e.pull, e.pull.merge_commit) if e.pull.merge_commit else None),
        "createdAt": of(lambda e: e.pull.merged_at),
        "mergeRefName": of(lambda e: e.pull.repository.default_branch),
        "pullRequest": of(lambda e: e.pull),
        **place_fields(lambda e: f"{pull_path(e.pull)}#event-{e.pull.id}"),
    },
    "PageInfo": {
        "hasNextPage": of(lambda c: c.after),
        "hasPreviousPage": of(lambda c: c.before),
        "startCursor": of(lambda c: cursor(c.keys[0]) if c.keys else None),
        "endCursor": of(lambda c: cursor(c.keys[-1]) if c.keys else None),
    },
}
CONNECTION: dict[str, Resolver] = {
    "edges": of(lambda c: list(zip(c.keys, c.items, strict=True))),
    "nodes": of(lambda c: c.items),
    "pageInfo": of(lambda c: c),
    "totalCount": of(lambda c: c.total),
    "issueCount": of(lambda c: c.total),
    "filteredCount": of(lambda c: c.total),
    "pageCount": of(lambda c: len(c.items)),
    "updatedAt": of(lambda c: c.items[0].pull.updated_at if c.items else _BORN),
}
EDGE: dict[str, Resolver] = {"cursor": of(lambda e: cursor(e[0])), "node": of(lambda e: e[1])}
