"""What the user says: words of the command line, a pipe, lines typed, and files."""

from __future__ import annotations

import contextlib
import importlib
import mimetypes
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from turnout.cli._output import note, on_terminal
from turnout.types import FilePart, ImagePart, Message, Part, TextPart

__all__ = ["message", "prompt", "typed"]

_PROMPT = "> "

_SILENT = 2.0
"""Seconds after which the command says that it reads standard input."""


def prompt(words: Sequence[str]) -> str | None:
    """Return the prompt that was given; None where a person is to type it.

    Args:
        words: Of the command line; what is piped follows them after a blank line.

    Raises:
        UsageError: The prompt is empty, or it is not UTF-8.
    """
    typed = encodable("the prompt", " ".join(words).strip())
    if on_terminal(sys.stdin) and not words:
        return None
    piped = "" if on_terminal(sys.stdin) else _piped().strip()
    given = "\n\n".join(text for text in (typed, piped) if text)
    if not given:
        raise click.UsageError("the prompt is empty; give one, or pipe a text in")
    return given


def encodable(name: str, text: str) -> str:
    """Return a text of the command line.

    Raises:
        UsageError: It is not UTF-8: Python keeps such bytes as half pairs.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{name} is not UTF-8; convert it") from None
    return text


def message(text: str, attachments: Sequence[Path]) -> Message:
    """Return the user's message: the text, then the files.

    Args:
        text: The prompt.
        attachments: An image goes as such; a text goes with the prompt, under its
            name; anything else goes as a file.

    Raises:
        UsageError: A text is not UTF-8.
    """
    parts = [_part(path) for path in attachments]
    texts = [text, *(part.text for part in parts if isinstance(part, TextPart))]
    others = [part for part in parts if not isinstance(part, TextPart)]
    whole = "\n\n".join(texts)
    if not others:
        return Message(role="user", content=whole)
    return Message(role="user", content=(TextPart(text=whole), *others))


def typed() -> Iterator[str]:
    """Give the lines that the user types, until the input ends; blank ones are none.

    Raises:
        KeyboardInterrupt: The user interrupted the prompt.
    """
    # With it a line can be edited, and those before it are at hand. Windows has none
    # and needs none.
    with contextlib.suppress(ImportError):
        importlib.import_module("readline")
    while (line := _typed()) is not None:
        if line.strip():
            yield line


def _typed() -> str | None:
    try:
        if on_terminal(sys.stdout):
            return input(_PROMPT)
        # What goes into a pipe is data, and `input` would write its prompt there.
        click.echo(_PROMPT, nl=False, err=True)
        return input()
    except EOFError:
        click.echo(err=True)
        return None


def _piped() -> str:
    if sys.stdin is None:
        return ""  # It is closed.
    hint = threading.Timer(
        _SILENT,
        note,
        ["waiting for standard input to end; close it, or add `< /dev/null`"],
    )
    hint.daemon = True
    hint.start()
    try:
        text = _text(sys.stdin.buffer.read())
    finally:
        hint.cancel()
    if text is None:
        raise click.UsageError(
            "what is piped in is not UTF-8 text; give a file with --attach"
        )
    return text


def _part(path: Path) -> Part:
    data = path.read_bytes()
    media_type, _ = mimetypes.guess_type(path.name)
    kind = (media_type or "").partition("/")[0]
    # A drawing in SVG is a text, and models read it as one.
    if kind == "image" and media_type != "image/svg+xml":
        return ImagePart(data=data, media_type=media_type)
    # A PDF may consist of ASCII alone. Of other files, names say less than bytes:
    # `.ts` is a video, and `.toml` is not known at all.
    text = None if media_type == "application/pdf" else _text(data)
    if text is not None:
        return TextPart(text=f"{path.name}:\n\n{text}")
    if kind == "text":
        raise click.UsageError(f"{path.name} is not UTF-8 text; convert it")
    return FilePart(
        data=data,
        media_type=media_type or "application/octet-stream",
        filename=path.name,
    )


def _text(data: bytes) -> str | None:
    """Return bytes as the text that they are, or None."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
