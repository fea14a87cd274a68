"""Write a conversation to a file, as Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from turnout.errors import ArgumentError
from turnout.types import FilePart, Message, Part, TextPart, message_to_openai

__all__ = ["transcript"]


def transcript(path: Path, messages: Sequence[Message]) -> str:
    """Return a conversation in the form that a file's ending names.

    Args:
        path: `.md` means Markdown, `.json` the messages in OpenAI's form.
        messages: The conversation.

    Raises:
        ArgumentError: The ending is neither.
    """
    match path.suffix.lower():
        case ".md" | ".markdown":
            return "\n".join(map(_section, messages))
        case ".json":
            listed = [message_to_openai(message) for message in messages]
            return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"
        case _:
            raise ArgumentError(
                f"{path.name!r} has an unknown ending; use .md or .json"
            )


def _section(message: Message) -> str:
    paragraphs = [f"## {message.role.capitalize()}", message.text.strip()]
    if not isinstance(message.content, str):
        paragraphs += [_named(part) for part in message.content]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def _named(part: Part) -> str:
    """Return a line for what Markdown has no place for; empty for text."""
    match part:
        case TextPart():
            return ""
        case FilePart():
            name = part.url or part.filename or part.file_id
        case _:
            name = part.url
    kind = type(part).__name__.removesuffix("Part").lower()
    return f"[{kind}]" if name is None else f"[{kind}: {name}]"
