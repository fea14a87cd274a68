"""How an answer is shown: as text for people, as JSON for programs."""

from __future__ import annotations

import sys
from typing import Protocol

import click

from turnout.cli._json import event_line, reply_line
from turnout.cli._output import note, on_terminal, write
from turnout.errors import TurnoutError
from turnout.types import Event, FinishReason, Reply

__all__ = ["JsonView", "TextView", "View"]

_CUT: dict[FinishReason | None, str] = {
    "length": "the answer ends here because it has as many tokens as it may have",
    "content_filter": "the answer ends here because of the provider's content filter",
}
"""What is told of an answer that ends before its end."""


class View(Protocol):
    """Shows one answer after another."""

    def show(self, event: Event) -> None:
        """Show an event of the answer, at once."""
        ...

    def note(self, line: str) -> None:
        """Tell what happens on the way."""
        ...

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """Show that the answer ended, or failed."""
        ...

    def stop(self) -> None:
        """Show that the answer was stopped."""
        ...


class TextView:
    """The text alone, as it comes, with a newline at its end."""

    def __init__(self) -> None:
        self._in_line = False

    def show(self, event: Event) -> None:
        """Show an event, where it is text."""
        if isinstance(event, str):
            write(event, newline=False)
            self._in_line = not event.endswith("\n")

    def note(self, line: str) -> None:
        """Tell what happens on the way, on a line of its own."""
        if self._in_line and _shared():
            click.echo(err=True)
            self._in_line = False
        note(line)

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """End the line, and tell of an answer that was cut."""
        if self._in_line:
            write("")
            self._in_line = False
        cut = _CUT.get(reply.finish_reason)
        if cut is not None:
            note(cut)

    def stop(self) -> None:
        """End the line, unless it is ended after the `^C` that a terminal shows."""
        if self._in_line and not _shared():
            write("")
        self._in_line = False


class JsonView:
    """A line for each event, and one for how the answer ended."""

    def show(self, event: Event) -> None:
        """Show an event."""
        write(event_line(event))

    def note(self, line: str) -> None:
        """Tell what happens on the way."""
        note(line)

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """Show the reply, or what came of it and the error."""
        write(reply_line(reply, error))

    def stop(self) -> None:
        """Show nothing: an answer without its last line was stopped."""


def _shared() -> bool:
    """Tell whether the answer and what is told on the way stand on one screen."""
    return on_terminal(sys.stdout) and on_terminal(sys.stderr)
