"""More than a thousand expressions that try to keep an engine busy, fill its memory, or break out of it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

LABELS = "contribution.labels"


def expressions(seed: int = 1) -> Iterator[str]:
    """Yield all of them. The same ``seed`` gives the same expressions."""
    for size in (2, 9, 30, 60, 99, 120, 199, 300, 450, 900, 5_000, 100_000):
        yield from _of_size(size)
    yield from _escapes()
    pick = Random(seed)
    for _ in range(400):
        yield _noise(pick)
    for _ in range(300):
        yield _spliced(pick)


def _of_size(size: int) -> Iterator[str]:
    ones = "[" + ",".join(["1"] * size) + "]"
    nines = "9" * size
    nested = ""
    for turn in range(min(size, 400)):
        nested = f"{LABELS}.exists(x{turn}, {nested or 'true'})"
    yield "!" * size + "true"
    yield "-" * size + "1 == 1"
    yield "(" * size + "1" + ")" * size + " == 1"
    yield "[" * size + "]" * size + " == []"
    yield "{" * size + "}" * size
    yield "true" + " && true" * size
    yield "true" + " || repository.is_fork" * size
    yield "true" + " ? true : true" * size
    yield "(true ? " * size + "true" + " : true)" * size
    yield "1" + " + 1" * size + " > 1"
    yield "repository.stars" + " * repository.stars" * size + " > 1"
    yield "1" + " - (1" * size + ")" * size + " > 1"
    yield "'" + "a" * size + "' == ''"
    yield "'" + "\\u6f22" * size + "' == ''"
    yield "''" + " + 'aa'" * size + " == ''"
    yield "repository" + ".stars" * size
    yield "contribution.labels" + "[0]" * size + " == ''"
    yield "a." * size + "b"
    yield f"{nines} > 1"
    yield f"0x{'f' * size} > 1"
    yield f"1e{nines} > 1.0"
    yield f"duration('{nines}h') > duration('1h')"
    yield f"timestamp('{nines}-01-01T00:00:00Z') > term.starts"
    yield nested
    yield f"{ones}.all(x, {ones}.all(y, {ones}.all(z, x + y + z > 0)))"
    yield f"{ones}.all(x, {ones}.all(y, x * y > 0))"
    yield f"{LABELS}.all(x, {LABELS}.all(y, x + y != ''))"
    yield f"{LABELS}.map(x, {LABELS}.map(y, x + y)).size() > {size}"
    yield f"{LABELS}.filter(x, true)" + ".map(x, x + x)" * size + ".size() > 1"
    yield f"{ones}.map(x, {ones}.map(y, {ones})).size() > 1"
    yield f"{ones} in [{ones}]" if size < 300 else f"1 in {ones}"
    yield f"contribution.title.matches('({'a+' * size})+$')"
    yield f"contribution.title.matches('{'(' * size}a{')*' * size}')"
    yield f"contribution.title.contains('{'a' * size}b')"
    yield f"size('{'😀' * size}') == {size}"
    yield "/*" * size + " 1 == 1"
    yield "//" + "x" * size + "\n1 == 1"
    yield "\n" * size + "1 == 1"
    yield "repository.stars > 1 " + "\t" * size + "&& true"


def _escapes() -> Iterator[str]:
    yield from (
        "__import__('os').system('true') == 0",
        "repository.__class__ == 1",
        "contribution.labels.__class__.__mro__ == []",
        "().__class__.__bases__[0] == 1",
        "repository.stars.__add__(1) > 1",
        "globals() == 1",
        "exec('1') == 1",
        "eval('1') == 1",
        "open('/etc/passwd') == ''",
        "contribution.labels.exists(__builtins__, true)",
        "contribution.labels.exists(facts, facts == 'a')",
        "contribution.labels.exists(_fact, _fact == 'a')",
        "contribution.labels.exists(lambda, lambda == 'a')",
        "contribution.labels.exists(None, None == 'a')",
        "contribution.labels.exists(contribution, contribution == 'a')",
        "contribution.labels.exists(x, x.exists(y, true))",
        "contribution.labels.exists(@result, @result == 'a')",
        "@result",
        "google.protobuf.Any{} == null",
        "google.protobuf.Struct{fields: {}} == null",
        "type(type) == type",
        "dyn([1, 'a', true, null]) == dyn(1)",
        "cel.bind(x, [1], cel.bind(y, [x, x], y == y))",
        "optional.of(1).value() == 1",
        "base64.decode('aaaa') == b''",
        "strings.format('%s', [1]) == ''",
        "'%1000000000d'.format([1]) == ''",
        "uint(-1) > 1u",
        "int('9' + '9') > 1",
        "string(1.0/0.0) == ''",
        "double('nan') != double('nan')",
        "bytes('a') == b'a'",
        "true ? 1 : 'a'",
        "has(contribution.title.x)",
        "contribution",
        "contribution.labels.exists_one(x, y, true)",
        "contribution.labels.transformList(i, v, v)",
        "1 / 0 > 1 || 1 / 0 > 1",
        "-9223372036854775808 / -1 > 0",
        "-(-9223372036854775808) > 0",
        "\x00",
        "\ufeff1 == 1",
        "\ud800 == ''",
        "'\\ud800' == ''",
        "'\\U00110000' == ''",
        "'\u202e' == ''",
        "𝒶 == 1",
        "１ == 1",
        "repository．stars > 1",
        "`repository.stars` > 1",
        "r'\\' == ''",
        "'''",
        '"""',
        "'",
        "#",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "%s%s%s%n",
        "'; DROP TABLE credits_claim; --",
        "",
        " ",
    )


_WORDS = (
    "repository.stars contribution.labels contribution.title true false null 1 0 -1 9223372036854775807 1.5 2u 'a' "
    "b'a' [ ] ( ) { } , . : ? && || ! == != < <= > >= + - * / % in .exists( .all( .map( .filter( .exists_one( x "
    "x, size( duration( timestamp( has( dyn( type( .matches( .startsWith( \\ \n \" ' ` @ # $ é 漢 😀 \x00 \u2028"
).split(" ")


def _noise(pick: Random) -> str:
    return " ".join(pick.choice(_WORDS) for _ in range(pick.choice((3, 8, 20, 60, 150))))


def _spliced(pick: Random) -> str:
    """Return a valid expression with an unexpected piece inserted at a random place."""
    good = pick.choice(
        (
            "repository.stars > 3 && contribution.labels.exists(x, x.startsWith('a'))",
            "contribution.merged_at - student.enrolled_on > duration('24h')",
            "(repository.stars / 3 + 2) * 7 > 12 ? repository.is_fork : contribution.kind in ['a', 'b']",
        )
    )
    at = pick.randrange(len(good))
    odd = pick.choice(_WORDS) * pick.choice((1, 1, 2, 40))
    return good[:at] + odd + good[at + pick.choice((0, 0, 1, 9)) :]
