"""How an answer is shown: as text for people, as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Protocol

import click

from turnout._names import followed
from turnout.cli._output import note, on_terminal, write
from turnout.errors import TurnoutError
from turnout.types import Event, FinishReason, Reply, to_dict

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
        """End the line, and note what belongs to the answer and is not text."""
        if self._in_line:
            write("")
            self._in_line = False
        cut = _CUT.get(reply.finish_reason)
        notes = [*_media(reply), *_sources(reply), *([] if cut is None else [cut])]
        for line in notes:
            note(line)

    def stop(self) -> None:
        """End the line, unless it is ended after the `^C` that a terminal shows."""
        if self._in_line and not _shared():
            write("")
        self._in_line = False


class JsonView:
    """A line for each event, and one for how the answer ended."""

    def show(self, event: Event) -> None:
        """Show an event."""
        _write_line(to_dict(event))

    def note(self, line: str) -> None:
        """Tell what happens on the way."""
        note(line)

    def end(self, reply: Reply, error: TurnoutError | None = None) -> None:
        """Show the reply, or what came of it and the error."""
        told = to_dict(reply)
        if error is not None:
            told = {"type": "error", "error": to_dict(error), "reply": told}
        _write_line(told)

    def stop(self) -> None:
        """Show nothing: an answer without its last line was stopped."""


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
    """Tell whether the answer and what is told on the way stand on one screen."""
    return on_terminal(sys.stdout) and on_terminal(sys.stderr)


def _write_line(value: dict[str, object]) -> None:
    write(json.dumps(value))
