"""Where a command's words go: data to standard output, all else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import click

from turnout._environment import variable
from turnout.cli._text import one_line, printable
from turnout.errors import ConnectError, FallbackError, UnknownModelError

if TYPE_CHECKING:
    from turnout._plugins import SetAside

__all__ = [
    "fail",
    "note",
    "on_terminal",
    "said",
    "set_aside_note",
    "write",
]


_HINTS: dict[type[Exception], str] = {
    ConnectError: "`turnout doctor` looks at the way there",
    FallbackError: "`turnout doctor` looks for the cause",
    UnknownModelError: "`turnout models` lists them",
}
"""What to type next, where an error has no better advice."""


def on_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal; one that is closed is None."""
    return stream is not None and stream.isatty()


def write(text: str, *, newline: bool = True) -> None:
    """Write data, at once.

    In a pipe it goes as it is; a terminal is not sent what it would obey.
    """
    shown = printable(text) if on_terminal(sys.stdout) else text
    # click takes escape sequences out of what goes into a pipe, unless told so.
    click.echo(shown, nl=newline, color=True)


def note(line: str) -> None:
    """Tell what happens on the way, in one line."""
    _tell(one_line(line), "yellow")


def fail(error: Exception) -> None:
    """Tell why the command fails, in one line."""
    line = said(error)
    hint = _HINTS.get(type(error))
    # It asks whether another name was meant.
    if hint is not None and not line.endswith("?"):
        line = f"{line}; {hint}"
    _tell(f"Error: {one_line(line)}", "red")


def said(error: BaseException, name: str = "") -> str:
    """Return what an error says, with whose it is.

    Args:
        error: Any; a `FallbackError`'s targets are told elsewhere, one by one.
        name: Whose it is; empty means what the error itself knows of that.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, FallbackError):
        text = "no target answered"
    name = name or getattr(error, "provider", "")
    if name and name not in text:
        text = f"{name}: {text}"
    return "; ".join([text, *getattr(error, "__notes__", ())])


def set_aside_note(plugins: Sequence[SetAside]) -> None:
    """Tell which plugins are set aside, where there are any."""
    if plugins:
        names = ", ".join(repr(plugin.name) for plugin in plugins)
        note(f"set aside, see `turnout plugins`: {names}")


def _tell(line: str, colour: str) -> None:
    if on_terminal(sys.stderr) and variable("NO_COLOR") is None:
        line = click.style(line, fg=colour)
    click.echo(line, err=True)
