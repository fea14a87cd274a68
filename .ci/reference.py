"""Write the reference pages in docs/reference from the docstrings, or check them.

python .ci/reference.py          # write
python .ci/reference.py --check  # fail if a page is not up to date
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = (
    "turnout",
    "turnout.types",
    "turnout.errors",
    "turnout.provider",
    "turnout.service",
    "turnout.generators",
    "turnout.decoding",
    "turnout.framing",
    "turnout.http",
    "turnout.hookspecs",
    "turnout.routes",
    "turnout.testing",
)

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

SECTIONS = ("Args", "Raises", "Returns", "Yields", "Attributes")

LINE = 70
"""Characters of a signature that stand on one line."""

NOTICE = "<!-- Written by .ci/reference.py from the docstrings. -->"


def page(module: ModuleType, elsewhere: dict[int, str]) -> str:
    """Return a module's page.

    Args:
        module: The module.
        elsewhere: The pages of objects that have been described, by `id`.
    """
    parts = [NOTICE, f"# `{module.__name__}`", text_of(module)]
    for name in sorted(module.__all__, key=str.casefold):
        value = getattr(module, name)
        known = elsewhere.get(id(value))
        if known is not None:
            parts.append(f"## `{name}`\n\nSee [`{known}`]({known}.md#{anchor(name)}).")
        else:
            parts.extend(entry(name, value, source(module)))
            if described(value):
                elsewhere[id(value)] = module.__name__
    return "\n\n".join(part for part in parts if part) + "\n"


def described(value: object) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value)


def anchor(name: str) -> str:
    return name.lower()


def entry(name: str, value: Any, constants: dict[str, str]) -> Iterator[str]:
    """Yield what a page says of one public name."""
    yield f"## `{name}`"
    if inspect.isclass(value):
        yield code(f"class {name}{bases(value)}")
        if signature(value):
            yield code(f"{name}{signature(value)}")
        yield text_of(value)
        yield from members(name, value)
    elif inspect.isroutine(value):
        prefix = "async def" if inspect.iscoroutinefunction(value) else "def"
        yield code(f"{prefix} {name}{signature(value)}")
        yield text_of(value)
    else:
        yield constants.get(name, "")


def members(owner: str, cls: type) -> Iterator[str]:
    """Yield the public fields, properties and methods that a class adds."""
    documented = fields(cls)
    if documented:
        yield "\n".join(
            f"- `{name}`: `{kind}`{with_colon(words)}"
            for name, kind, words in documented
        )
    for name, value in vars(cls).items():
        if name.startswith("_"):
            continue
        function = getattr(value, "__func__", value)
        if isinstance(value, property):
            yield f"### `{owner}.{name}`\n\n{text_of(value.fget)}"
        elif inspect.isfunction(function) and inspect.getdoc(function):
            prefix = "async " if inspect.iscoroutinefunction(function) else ""
            yield f"### `{owner}.{name}`"
            yield code(f"{prefix}def {name}{signature(function)}")
            yield text_of(function)


def fields(cls: type) -> list[tuple[str, str, str]]:
    """Return the annotated public fields of a class with their docstrings."""
    if not (dataclasses.is_dataclass(cls) or "__annotations__" in vars(cls)):
        return []
    words = field_texts(cls)
    kinds = vars(cls).get("__annotations__", {})
    return [
        (name, shown(kind), words.get(name, ""))
        for name, kind in kinds.items()
        if not name.startswith("_")
    ]


def field_texts(cls: type) -> dict[str, str]:
    """Return the strings that stand under a class's fields."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0]
    return texts(body.body) if isinstance(body, ast.ClassDef) else {}


def source(module: ModuleType) -> dict[str, str]:
    """Return the strings that stand under the constants of a module or a package."""
    found: dict[str, str] = {}
    for name, one in list(sys.modules.items()):
        if f"{name}.".startswith(f"{module.__name__}."):
            found |= texts(ast.parse(inspect.getsource(one)).body)
    return found


def texts(body: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for before, after in pairwise(body):
        if not isinstance(after, ast.Expr) or not isinstance(after.value, ast.Constant):
            continue
        targets = (
            [before.target]
            if isinstance(before, ast.AnnAssign)
            else getattr(before, "targets", [])
        )
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(after.value.value, str):
                found[target.id] = inspect.cleandoc(after.value.value)
    return found


def with_colon(words: str) -> str:
    return f": {' '.join(words.split())}" if words else ""


def shown(kind: object) -> str:
    kind = getattr(kind, "__forward_arg__", kind)
    return kind if isinstance(kind, str) else inspect.formatannotation(kind)


def bases(cls: type) -> str:
    names = [base.__name__ for base in cls.__bases__ if base is not object]
    return f"({', '.join(names)})" if names else ""


def signature(value: Any) -> str:
    if inspect.isclass(value) and "\nArgs:" not in (inspect.getdoc(value) or ""):
        return ""  # A dataclass, whose fields follow, or a class that is not called.
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"
    # Annotations are strings, and shown without their quotes.
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)
    if len(text) <= LINE:
        return text
    inside, end = text[1:].rsplit(")", 1)
    parameters = re.split(r", (?=[\w*/]+(?:[:=,]|$))", inside)
    return "(\n    " + ",\n    ".join(parameters) + ",\n)" + end


def code(line: str) -> str:
    return f"```python\n{line}\n```"


def text_of(value: object) -> str:
    """Return a docstring as Markdown: its sections become lists."""
    lines = (inspect.getdoc(value) or "").splitlines()
    written: list[str] = []
    in_section = False
    for line in lines:
        heading = re.fullmatch(r"(\w+):", line)
        if heading and heading[1] in SECTIONS:
            in_section = True
            written += [f"**{heading[1]}**", ""]
        elif in_section and re.match(r"    [\w*]", line):
            name, _, words = line.strip().partition(": ")
            written.append(f"- `{name}`: {words}" if words else f"- {name}")
        elif in_section and line.startswith("        "):
            written[-1] += " " + line.strip()
        else:
            in_section = in_section and not line.strip()
            written.append(line)
    return "\n".join(written).strip()


def pages() -> dict[Path, str]:
    elsewhere: dict[int, str] = {}
    # The package itself comes last, since it has the names of the others.
    order = (*MODULES[1:], MODULES[0])
    return {
        FOLDER / f"{name}.md": page(importlib.import_module(name), elsewhere)
        for name in order
    }


def main() -> None:
    written = pages()
    if "--check" in sys.argv:
        wrong = [p.name for p, t in written.items() if not _is(p, t)]
        if wrong:
            sys.exit(f"not up to date: {', '.join(wrong)}; run python .ci/reference.py")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


if __name__ == "__main__":
    main()
