"""Reduce GitHub's published schema to the types that the local forge serves.

``python -m tests.demo.forge.extract FOLDER > tests/demo/forge/published.graphql`` with the unpacked folder of the npm
package ``@octokit/graphql-schema`` (MIT). Definitions stay whole except for their descriptions, so that a field which
the local forge adds later can be compared without running this again.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from graphql import DefinitionNode, parse, print_ast

from demo.forge.github_graphql import SDL

_DESCRIPTION = re.compile(r'^ *"""[\s\S]*?"""\n', re.MULTILINE)
NOTICE = """
Definitions from GitHub's GraphQL schema as published in the npm package @octokit/graphql-schema 15.26.1, cut by
extract.py to the types that the local forge serves; descriptions left out. The package's licence:

"""


def extract(published: str, licence: str) -> str:
    """Return the definitions in ``published`` which our own schema has too, after the licence as a comment."""
    served = {_name(node) for node in parse(SDL.read_text(encoding="utf-8")).definitions}
    kept = [node for node in parse(published, no_location=True).definitions if _name(node) in served]
    kept.sort(key=_name)
    notice = "".join(f"# {line}".rstrip() + "\n" for line in (NOTICE.strip() + "\n\n" + licence).splitlines())
    return notice + "".join(f"\n{_compact(print_ast(node))}\n" for node in kept)


def _compact(text: str) -> str:
    """Remove descriptions, and write one field a line."""
    bare = _DESCRIPTION.sub("", text)
    return re.sub(r"\(\n([^)]*)\)", lambda found: f"({', '.join(found[1].split(chr(10))).strip(', ')})", bare)


def _name(node: DefinitionNode) -> str:
    name = getattr(node, "name", None)
    return name.value if name is not None else ""


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in ("schema.graphql", "LICENSE.md")]
    sys.stdout.write(extract(*texts))
