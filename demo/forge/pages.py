"""The pages for people: account and consent, a person, a repository, a pull request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from werkzeug.wrappers import Response

from demo.forge import keys
from demo.forge.http import ForgeCall, answer
from demo.forge.model import LocalAccount, LocalPullRequest, LocalRepository

_STYLE = Markup("""
:root { --ink: #1f2937; --soft: #6b7280; --line: #e5e7eb; --paper: #fff; --ground: #f6f7f9; --mark: #24292f; }
.gitee { --mark: #c0271b; }
.atomgit { --mark: #1d4ed8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
header { background: var(--mark); color: #fff; padding: .8rem 1.25rem; font-weight: 600; }
header a { color: inherit; text-decoration: none; }
header small { font-weight: 400; opacity: .85; margin-inline-start: .6rem; }
main { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; }
h1 { font-size: 1.35rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; } .soft { color: var(--soft); }
fieldset { border: 0; padding: 0; margin: 1rem 0; }
legend { font-weight: 600; padding: 0; margin-bottom: .5rem; }
.people { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .5rem; }
.people label { display: flex; gap: .6rem; align-items: center; border: 1px solid var(--line);
  border-radius: .5rem; padding: .55rem .7rem; cursor: pointer; overflow-wrap: anywhere; }
.people label:has(:checked) { border-color: var(--mark); box-shadow: 0 0 0 1px var(--mark); }
.other { display: block; margin-top: .8rem; } .other input { display: block; width: 100%; margin-top: .25rem;
  padding: .5rem .6rem; font: inherit; border: 1px solid #8b95a3; border-radius: .5rem; }
.actions { display: flex; gap: .75rem; flex-wrap: wrap; margin-top: 1.25rem; }
button { font: inherit; padding: .6rem 1.2rem; border-radius: .5rem; border: 1px solid #8b95a3;
  background: #fff; color: var(--ink); cursor: pointer; }
button.main { background: var(--mark); border-color: var(--mark); color: #fff; font-weight: 600; }
:focus-visible { outline: 3px solid #2563eb; outline-offset: 2px; }
.wrong { color: #b91c1c; font-weight: 600; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; }
td, th { border-top: 1px solid var(--line); padding: .45rem .4rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; } td.n { text-align: right; white-space: nowrap; width: 1%; }
.state { display: inline-block; border-radius: 1rem; padding: .1rem .7rem; color: #fff; background: #6d28d9; }
.open { background: #15803d; } .closed { background: #b91c1c; }
""")

_WORDS = {
    "github": {
        "lang": "en",
        "site": "GitHub",
        "local": "local stand-in, made-up people",
        "asks": "{} would like to know who you are",
        "reads": "It may read your public profile. It gets no password and can change nothing.",
        "who": "Sign in as",
        "other": "Somebody else (login)",
        "yes": "Authorize",
        "no": "Cancel",
        "wrong": "Nobody here is called {}.",
        "pulls": "pull requests",
    },
    "gitee": {
        "lang": "zh-Hans",
        "site": "Gitee",
        "local": "本地模拟站，人物均为虚构",
        "asks": "{} 想知道你是谁",
        "reads": "对方只能读取你的公开资料，拿不到密码，也不能改动任何内容。",
        "who": "登录身份",
        "other": "其他人（用户名）",
        "yes": "同意授权",
        "no": "取消",
        "wrong": "这里没有名为 {} 的用户。",
        "pulls": "个 Pull Request",
    },
    "atomgit": {
        "lang": "zh-Hans",
        "site": "AtomGit",
        "local": "本地模拟站，人物均为虚构",
        "asks": "{} 想知道你是谁",
        "reads": "对方只能读取你的公开资料，拿不到密码，也不能改动任何内容。",
        "who": "登录身份",
        "other": "其他人（用户名）",
        "yes": "同意授权",
        "no": "取消",
        "wrong": "这里没有名为 {} 的用户。",
        "pulls": "个 Pull Request",
    },
}


def _page(forge: str, title: str, body: Markup, status: int = 200) -> Response:
    words = _WORDS[forge]
    html = Markup(
        '<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{title} · {site}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        "<style>{style}</style></head>"
        '<body class="{forge}"><header><a href="/{forge}">{site}</a><small>{local}</small></header>'
        '<main><div class="card"><h1>{title}</h1>{body}</div></main></body></html>'
    ).format(
        lang=words["lang"],
        title=title,
        site=words["site"],
        style=_STYLE,
        forge=forge,
        local=words["local"],
        body=body,
    )
    return Response(html, status, content_type="text/html; charset=utf-8")


def message(title: str, text: str, status: int, forge: str = "github") -> Response:
    return _page(forge, title, Markup("<p>{}</p>").format(text), status)


def consent(call: ForgeCall, asked: dict[str, str], people: list[LocalAccount], unknown: str) -> Response:
    """The form. It posts to its own address, which keeps what the application asked for."""
    words = _WORDS[call.forge]
    world = call.local.world
    choices = Markup().join(
        Markup(
            '<label><input type="radio" name="account" value="{login}"{checked}>'
            '<span>{login}<br><small class="soft">{count} {pulls}</small></span></label>'
        ).format(
            login=account.login,
            checked=Markup(" checked") if at == 0 else "",
            count=len(world.pulls_by(account)),
            pulls=words["pulls"],
        )
        for at, account in enumerate(people)
    )
    wrong = (
        Markup('<p class="wrong" role="alert">{}</p>').format(words["wrong"].format(unknown))
        if unknown
        else ""
    )
    body = Markup(
        '<p class="soft">{reads}</p>{wrong}<form method="post">'
        '<fieldset><legend>{who}</legend><div class="people">{choices}</div>'
        '<label class="other">{other}<input name="other" id="other" autocomplete="off" value="{unknown}"></label>'
        '</fieldset><div class="actions"><button class="main" id="authorise" name="answer" value="yes">{yes}</button>'
        '<button id="deny" name="answer" value="no">{no}</button></div></form>'
    ).format(
        wrong=wrong,
        choices=choices,
        unknown=unknown,
        **{k: words[k] for k in ("reads", "who", "other", "yes", "no")},
    )
    return _page(call.forge, words["asks"].format("Yuanfen 源分"), body, 200 if not unknown else 422)


def home(call: ForgeCall) -> Response:
    repositories = [r for r in call.local.world.repositories(call.forge) if r.parent is None]
    rows = Markup().join(
        Markup('<tr><td><a href="{url}">{name}</a></td><td>{text}</td></tr>').format(
            url=f"/{call.forge}/{repo.full_name}", name=repo.full_name, text=repo.description
        )
        for repo in repositories
    )
    return _page(call.forge, _WORDS[call.forge]["site"], Markup("<table>{}</table>").format(rows))


def _pull_rows(call: ForgeCall, pulls: list[LocalPullRequest]) -> Markup:
    word = "pull" if call.forge == "github" else "pulls"
    pulls = sorted(pulls, key=lambda pull: pull.updated_at, reverse=True)[:200]
    return Markup("<table>{}</table>").format(
        Markup().join(
            Markup(
                '<tr><td><a href="{url}">{name}</a><br>{title}</td><td class="n">+{plus} −{minus}</td></tr>'
            ).format(
                url=f"/{call.forge}/{pull.repository.full_name}/{word}/{pull.number}",
                name=f"{pull.repository.full_name} #{pull.number}",
                title=pull.title,
                plus=pull.additions,
                minus=pull.deletions,
            )
            for pull in pulls
        )
    )


def _gone(call: ForgeCall) -> Response:
    return message("404", "There is nothing here that you may see.", 404, call.forge)


def person(call: ForgeCall, login: str) -> Response:
    account = call.local.world.account(call.forge, login)
    if account is None:
        return _gone(call)
    text = Markup('<p class="soft">{}</p>{}').format(
        account.name, _pull_rows(call, call.local.world.pulls_by(account))
    )
    return _page(call.forge, account.login, text)


def person_keys(call: ForgeCall, login: str) -> Response:
    """Return the published SSH keys as plain text, one on each line."""
    account = call.local.world.account(call.forge, login)
    if account is None:
        return _gone(call)
    lines = "".join(f"{line}\n" for line in keys.published(account))
    return Response(lines, content_type="text/plain; charset=utf-8")


def _found(call: ForgeCall, owner: str, name: str) -> LocalRepository | None:
    world, full_name = call.local.world, f"{owner}/{name.removesuffix('.git')}"
    return world.repository(call.forge, full_name) or world.moved(call.forge, full_name)


def repository(call: ForgeCall, owner: str, name: str) -> Response:
    repo = _found(call, owner, name)
    if repo is None:
        return _gone(call)
    text = Markup('<p>{}</p><p class="soft">{} · {} · ★ {}</p>{}').format(
        repo.description,
        repo.licence or "no licence",
        repo.language or "",
        repo.stars,
        _pull_rows(call, call.local.world.pulls_in(repo)),
    )
    return _page(call.forge, repo.full_name, text)


def pull(call: ForgeCall, owner: str, name: str, number: int) -> Response:
    repo = _found(call, owner, name)
    found = call.local.world.pull(repo, number) if repo else None
    if repo is None or found is None:
        return _gone(call)
    files = Markup().join(
        Markup('<tr><td>{}</td><td class="n">+{} −{}</td></tr>').format(f.path, f.additions, f.deletions)
        for f in found.files
    )
    author = "ghost" if found.author.deleted else found.author.login
    ended = found.merged_at or found.closed_at
    text = Markup(
        '<p><span class="state {state}">{state}</span> <span class="soft">{name} #{number}</span></p>'
        '<p class="soft"><a href="/{forge}/{author}">{author}</a> · {opened}{ended}</p><table>{files}</table>'
    ).format(
        state=found.state,
        name=repo.full_name,
        number=found.number,
        forge=call.forge,
        author=author,
        opened=f"{found.created_at:%Y-%m-%d}",
        ended=f" → {ended:%Y-%m-%d}" if ended else "",
        files=files,
    )
    return _page(call.forge, found.title, text)


def control_log(call: ForgeCall) -> Response:
    """Return the requests to this forge so far, for a measurement in another process."""
    return answer(call.local.log.summary())


def control_faults(call: ForgeCall) -> Response:
    """Switch a fault on (POST, the arguments of `PlayedFaults.add` as JSON) or all off (DELETE)."""
    if call.request.method == "DELETE":
        call.local.faults.clear()
    else:
        call.local.faults.add(**call.request.get_json())
    return answer({})


def health(call: ForgeCall) -> Response:
    return answer({"status": "ok"})


ROUTES: list[tuple[str, list[str], Callable[..., Any]]] = [
    ("/_forge/health", ["GET"], health),
    ("/_forge/log", ["GET"], control_log),
    ("/_forge/faults", ["POST", "DELETE"], control_faults),
    ("/github", ["GET"], home),
    ("/gitee", ["GET"], home),
    ("/atomgit", ["GET"], home),
    *(
        (f"/{forge}{path}", ["GET"], route)
        for forge, word in (("github", "pull"), ("gitee", "pulls"), ("atomgit", "pulls"))
        for path, route in (
            ("/<login>", person),
            ("/<login>.keys", person_keys),
            ("/<owner>/<name>", repository),
            (f"/<owner>/<name>/{word}/<int:number>", pull),
        )
    ),
]
