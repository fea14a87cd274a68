"""What the user asks: words of the command line, a pipe, and attachments."""

from __future__ import annotations

import mimetypes
import os
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import click

from turnout.cli._output import note, on_terminal
from turnout.types import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    VideoPart,
)

__all__ = ["Attachment", "AttachmentType", "encodable", "message", "prompt"]

Attachment: TypeAlias = Path | str
"""A file, or an address."""

_ADDRESS = re.compile("https?://", re.IGNORECASE)

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
    """Return a text of the command line or the terminal.

    Python keeps bytes that are not of the locale's encoding as half pairs. Those that
    are UTF-8 are read as that, as in the locale C.

    Raises:
        UsageError: It is not UTF-8.
    """
    try:
        return (
            text if text.isascii() else text.encode(errors="surrogateescape").decode()
        )
    except UnicodeError:
        raise click.UsageError(f"{name} is not UTF-8; convert it") from None


class AttachmentType(click.Path):
    """A file, or an address that the provider fetches."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, readable=True, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Attachment:
        """Return an address as a text, and a file as its path."""
        if not isinstance(value, str) or not _ADDRESS.match(value):
            return Path(os.fsdecode(super().convert(value, param, ctx)))
        try:
            named = urlsplit(value).hostname
        except ValueError:
            named = None
        if not named:
            self.fail(f"{value!r} is not a valid address", param, ctx)
        return value


def message(text: str, attachments: Sequence[Attachment]) -> Message:
    """Return the user's message: the text, then the attachments.

    Args:
        text: The prompt.
        attachments: An image, a sound or a video goes as such; the text of a file goes
            with the prompt, under its name; anything else goes as a file.

    Raises:
        UsageError: A text is not UTF-8.
    """
    parts = [
        _linked(one) if isinstance(one, str) else _part(one) for one in attachments
    ]
    texts = [text, *(part.text for part in parts if isinstance(part, TextPart))]
    others = [part for part in parts if not isinstance(part, TextPart)]
    whole = "\n\n".join(texts)
    if not others:
        return Message(role="user", content=whole)
    return Message(role="user", content=(TextPart(text=whole), *others))


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


def _linked(address: str) -> Part:
    """Return what an address is, by the ending of its path."""
    media_type, _ = mimetypes.guess_type(urlsplit(address).path)
    kind = (media_type or "").partition("/")[0]
    if kind == "audio":
        return AudioPart(url=address)
    if kind == "video":
        return VideoPart(url=address)
    # Most addresses without an ending are images.
    if kind in {"image", ""}:
        return ImagePart(url=address)
    return FilePart(url=address, media_type=media_type)


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
    if kind == "audio":
        return AudioPart(data=data, media_type=media_type)
    if kind == "video":
        return VideoPart(data=data, media_type=media_type)
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
