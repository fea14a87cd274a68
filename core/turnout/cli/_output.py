"""Where a command's words go: data to standard output, all else to standard error.

A terminal obeys what it is sent, and a model or a service can send anything: a title
to set, a line to overwrite, a text whose order is reversed, characters that cannot be
seen. So none of that is sent to a terminal. Into a pipe data goes as it is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, TextIO

import click

from turnout._environment import variable
from turnout._names import followed
from turnout.errors import ConnectError, FallbackError, UnknownModelError

if TYPE_CHECKING:
    from turnout._plugins import SetAside

__all__ = [
    "dimmed",
    "fail",
    "is_dumb",
    "note",
    "on_terminal",
    "one_line",
    "printable",
    "said",
    "set_aside_note",
    "write",
    "write_escaped",
    "write_json",
    "write_table",
]

_HINTS: dict[type[Exception], str] = {
    ConnectError: "`turnout doctor` checks the connection",
    FallbackError: "`turnout doctor` looks for the cause",
    UnknownModelError: "`turnout models` lists the models",
}
"""What to type next, where an error has no better advice."""

_QUOTED = re.compile("`[^`]+`")

_GAP = "  "

_NARROWEST = 24
"""Characters that a column has at least where its text is broken into lines."""

_REMOVED = re.compile(
    # The flag of a region, as of Wales, is the only use of tags that people see.
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)"
    "|["
    "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # C0 but tab and newline, DEL, C1 and NEL
    "\u2028\u2029"  # the separators of lines and paragraphs
    "\u202a-\u202e\u2066-\u2069"  # embed, override or isolate a direction of writing
    # Characters without a width, and marks that only programs read.
    "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
    "]"
)
"""What a terminal obeys, or what hides or reorders text in it.

What a text needs stays: tabs and newlines, the joiners U+200C and U+200D, the marks
of direction that Hebrew and Arabic have, variation selectors and combining characters.
"""


def printable(text: str) -> str:
    """Return a text without what a terminal would obey; newlines and tabs stay."""
    return _REMOVED.sub(r"\1", text)


def one_line(text: str) -> str:
    """Return a text on one line, without what a terminal would obey."""
    return printable(" ".join(text.split()))


def on_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; a closed one is None."""
    return stream is not None and stream.isatty()


def is_dumb() -> bool:
    """Return whether the terminal has no escape sequences, by its TERM."""
    return os.name == "posix" and variable("TERM") in {None, "dumb", "unknown"}


def dimmed(text: str) -> str:
    """Return a text for standard error, dimmed if that is a terminal that can."""
    return text if _is_plain() else click.style(text, dim=True)


def write(text: str, *, newline: bool = True) -> None:
    """Write data, at once."""
    shown = printable(text) if on_terminal(sys.stdout) else text
    # Without `color`, click removes escape sequences from what goes into a pipe.
    click.echo(shown, nl=newline, color=True)


def write_escaped(text: str) -> None:
    """Write a text with turnout's own escape sequences to a terminal, at once."""
    click.echo(text, nl=False, color=True)


def write_json(value: object) -> None:
    """Write a value as JSON, for programs."""
    write(json.dumps(value, indent=2))


def write_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows in aligned columns.

    Into a pipe each goes as one line. A terminal has heads above them, and the last
    column is broken into lines where it would go beyond the edge.

    Args:
        heads: What stands above the columns.
        rows: A text for each head.
    """
    lines = [[one_line(cell) for cell in row] for row in rows]
    if not lines:
        return
    room = sys.maxsize
    if on_terminal(sys.stdout):
        lines.insert(0, list(heads))
        import shutil  # Not for `--version`, for its time.

        room = shutil.get_terminal_size().columns
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    indent = sum(widths[:-1]) + len(_GAP) * len(widths[:-1])
    for *cells, last in lines:
        broken = _broken(last, room - indent)
        padded = map(str.ljust, cells, widths)
        write(_GAP.join([*padded, f"\n{' ' * indent}".join(broken)]).rstrip())


def note(line: str) -> None:
    """Write a note to standard error, in one line."""
    _write_error(one_line(line), "yellow")


def fail(error: Exception) -> None:
    """Write to standard error why the command fails, in one line."""
    line = said(error)
    hint = _HINTS.get(type(error))
    # It asks whether another name was meant.
    if hint is not None and not line.endswith("?"):
        line = followed(line, hint)
    _write_error(f"Error: {one_line(line)}", "red")


def said(error: BaseException, name: str = "") -> str:
    """Return the message of an error, with the provider it comes from.

    Args:
        error: Any error. The targets of a `FallbackError` have notes of their own.
        name: The provider's name; empty means the one that the error has.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, FallbackError):
        text = "no target answered"
    elif isinstance(error, OSError) and error.strerror:
        # The number does not help.
        file = "" if error.filename is None else f": {str(error.filename)!r}"
        text = f"{error.strerror}{file}"
    name = name or getattr(error, "provider", "")
    if name and name not in text:
        text = f"{name}: {text}"
    return reduce(followed, getattr(error, "__notes__", ()), text)


def set_aside_note(plugins: Sequence[SetAside]) -> None:
    """Write which plugins are set aside, if there are any."""
    if plugins:
        names = ", ".join(repr(plugin.name) for plugin in plugins)
        note(f"set aside, see `turnout plugins`: {names}")


def _broken(text: str, room: int) -> list[str]:
    """Return a text in lines that fit, with what is to be typed in one piece."""
    if len(text) <= room or room < _NARROWEST:
        return [text]
    whole = _QUOTED.sub(lambda found: found[0].replace(" ", "\0"), text)
    import textwrap

    lines = textwrap.wrap(whole, room, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def _write_error(line: str, colour: str) -> None:
    click.echo(line if _is_plain() else click.style(line, fg=colour), err=True)


def _is_plain() -> bool:
    """Return whether standard error gets no styles."""
    return not on_terminal(sys.stderr) or is_dumb() or variable("NO_COLOR") is not None
