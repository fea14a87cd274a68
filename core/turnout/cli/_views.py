"""How an answer is shown: as text for people, as JSON for programs."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import click

from turnout._names import followed
from turnout.cli._output import (
    dimmed,
    is_dumb,
    note,
    on_terminal,
    printable,
    write,
)
from turnout.cli._waiting import Waiting
from turnout.errors import TurnoutError
from turnout.types import Event, FinishReason, ReasoningDelta, Reply, to_dict

__all__ = [
    "JsonView",
    "Pane",
    "PlainPane",
    "TextView",
    "View",
    "WholeView",
    "text_pane",
]

_CUT: dict[FinishReason | None, str] = {
    "length": "the answer is cut off: it reached the limit of tokens",
    "content_filter": "the answer is cut off: the provider's content filter stopped it",
}
"""The note on an answer that ends before its end."""


class View(Protocol):
    """Shows one answer after another."""

    def wait(self, name: str) -> None:
        """Show that a target is asked. An event loop has to run."""
        ...

    def show(self, event: Event) -> None:
        """Show an event of the answer, at once. An event loop has to run."""
        ...

    def note(self, line: str) -> None:
        """Show a note on its own line."""
        ...

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """Show that the answer ended, or failed.

        Raises:
            ClickException: The answer has nothing that can be shown.
        """
        ...

    def stop(self) -> None:
        """Show that the answer was stopped."""
        ...


class Pane(Protocol):
    """Where the text of an answer is shown."""

    in_line: bool
    """Whether the line that the text ends in is not ended."""

    def add(self, text: str) -> None:
        """Show a text that continues the answer."""
        ...

    def end(self) -> None:
        """End the answer, and its line."""
        ...

    def stop(self) -> None:
        """End the answer where it is."""
        ...

    def make_room(self) -> list[str]:
        """Leave the cursor at the start of a line, and return what to put back."""
        ...

    def put_back(self, rows: Sequence[str]) -> None:
        """Show again what `make_room` took away."""
        ...


class PlainPane:
    """The text as it is."""

    def __init__(self) -> None:
        self.in_line = False

    def add(self, text: str) -> None:
        """Write a text."""
        write(text, newline=False)
        self.in_line = not text.endswith("\n")

    def end(self) -> None:
        """End the line."""
        if self.in_line:
            write("")
        self.in_line = False

    def stop(self) -> None:
        """Leave the line as it is."""
        self.in_line = False

    def make_room(self) -> list[str]:
        """End the line."""
        if self.in_line:
            click.echo(err=True)
            self.in_line = False
        return []

    def put_back(self, rows: Sequence[str]) -> None:
        """Put nothing back: nothing was taken away."""


def text_pane(*, markdown: bool) -> Pane:
    """Return where text is shown.

    Args:
        markdown: Whether Markdown is rendered, on a terminal that can show it and
            with the extra `cli`.
    """
    if markdown and on_terminal(sys.stdout) and not is_dumb():
        with contextlib.suppress(ImportError):
            from turnout.cli._markdown import MarkdownPane

            return MarkdownPane()
    return PlainPane()


class TextView:
    """The text as it comes, with a newline at its end.

    On a terminal the reasoning is shown before it, dimmed. It goes to standard error,
    and only if both are terminals.

    Args:
        pane: Where the text is shown.
    """

    def __init__(self, pane: Pane | None = None) -> None:
        self._pane = PlainPane() if pane is None else pane
        self._waiting = Waiting()
        self._reasoning = ""
        """The end of the reasoning that is shown and not ended."""

    def wait(self, name: str) -> None:
        """Show which target is waited for, unless a part of its answer is shown."""
        if not (self._pane.in_line and _shared()) and not self._reasoning:
            self._waiting.show(name)

    def show(self, event: Event) -> None:
        """Show an event, if it is text or reasoning."""
        if isinstance(event, str):
            if event:
                self._waiting.clear()
                self._end_reasoning()
                self._pane.add(event)
        elif isinstance(event, ReasoningDelta):
            self._reason(event.text)

    def note(self, line: str) -> None:
        """Show a note on its own line, apart from the answer."""
        self._waiting.clear()
        self._end_reasoning()
        taken = self._pane.make_room() if _shared() else []
        note(line)
        self._pane.put_back(taken)

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """End the line, and note what belongs to the answer and is not text."""
        self._waiting.clear()
        self._end_reasoning()
        self._pane.end()
        note_rest(reply)

    def stop(self) -> None:
        """End the line, unless it is ended after the `^C` that a terminal shows."""
        self._waiting.clear()
        self._reasoning = ""
        if _shared():
            self._pane.stop()
        else:
            self._pane.end()

    def _reason(self, text: str) -> None:
        if text and _shared() and not self._pane.in_line:
            self._waiting.clear()
            if not self._reasoning:
                click.echo(dimmed("Reasoning:"), err=True)
            click.echo(dimmed(printable(text)), nl=False, err=True, color=True)
            self._reasoning = text

    def _end_reasoning(self) -> None:
        """Set the reasoning that is shown apart from what follows."""
        if self._reasoning:
            ended = self._reasoning.endswith("\n")
            click.echo("\n" if ended else "\n\n", nl=False, err=True)
            self._reasoning = ""


class WholeView:
    """What is made of a whole answer, shown at its end.

    Args:
        made: Makes it.
    """

    def __init__(self, made: Callable[[Reply], str]) -> None:
        self._made = made
        self._waiting = Waiting()

    def wait(self, name: str) -> None:
        """Show which target is waited for."""
        self._waiting.show(name)

    def show(self, event: Event) -> None:
        """Show nothing yet."""

    def note(self, line: str) -> None:
        """Show a note on its own line."""
        self._waiting.clear()
        note(line)

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """Show what the answer is made to.

        Raises:
            ClickException: It has nothing that can be shown.
        """
        self._waiting.clear()
        if error is None:
            note_rest(reply)
            write(self._made(reply))

    def stop(self) -> None:
        """Show nothing."""
        self._waiting.clear()


def note_rest(reply: Reply) -> None:
    """Note what belongs to an answer and is not text."""
    cut = _CUT.get(reply.finish_reason)
    for line in (*_media(reply), *_sources(reply), *([] if cut is None else [cut])):
        note(line)


class JsonView:
    """A line for each event, and one for how the answer ended."""

    def __init__(self) -> None:
        self._waiting = Waiting()

    def wait(self, name: str) -> None:
        """Show which target is waited for, until its first event."""
        self._waiting.show(name)

    def show(self, event: Event) -> None:
        """Show an event."""
        self._waiting.clear()
        _write_line(to_dict(event))

    def note(self, line: str) -> None:
        """Show a note on its own line."""
        self._waiting.clear()
        note(line)

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """Show the reply, or the error with the reply so far."""
        self._waiting.clear()
        told: dict[str, object] = to_dict(reply)
        if error is not None:
            told = {"type": "error", "error": to_dict(error), "reply": told}
        _write_line(told)

    def stop(self) -> None:
        """Show nothing: an answer without its last line was stopped."""
        self._waiting.clear()


_KINDS = {"image": "an image", "audio": "a sound", "video": "a video"}
"""What an answer holds beside text, by the first part of the media type."""


def _media(reply: Reply) -> Iterator[str]:
    """Return a line for each image and sound of an answer."""
    for media in reply.media:
        media_type, data = media.media_type or "", media.data
        size = "" if data is None else _size(len(data))
        known = ", ".join(filter(None, [media_type, size]))
        kind = media_type.partition("/")[0] or ("audio" if media.transcript else "")
        line = _KINDS.get(kind, "a file")
        line += f" ({known})" if known else ""
        if data is not None:
            line += "; --json gives its bytes"
        elif media.url is not None:
            line += f": {media.url}"
        said = media.transcript
        yield line if said is None else followed(line, f"what is said in it: {said}")


def _size(count: int) -> str:
    if count >= 1000:
        return f"{count / 1000:,.0f} kB"
    return f"{count} byte{'s' * (count != 1)}"


def _sources(reply: Reply) -> Iterator[str]:
    """Return a line for each source that an answer names, once."""
    named = [
        " ".join(filter(None, [one.url or one.source, one.title]))
        for one in reply.citations
    ]
    for number, name in enumerate(dict.fromkeys(filter(None, named)), 1):
        yield f"source {number}: {name}"


def _shared() -> bool:
    """Return whether standard output and standard error are both terminals."""
    return on_terminal(sys.stdout) and on_terminal(sys.stderr)


def _write_line(value: object) -> None:
    write(json.dumps(value))
