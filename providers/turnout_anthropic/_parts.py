"""The parts of a message as blocks of Anthropic's Messages protocol. No I/O.

Source: `ImageBlockParam` and `DocumentBlockParam` of Anthropic's SDK 2.14.0, read
2026-11-30.
"""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

from turnout.errors import UnsupportedError
from turnout.types import AudioPart, FilePart, ImagePart, Part, TextPart, VideoPart

__all__ = ["block_of"]

_Block: TypeAlias = dict[str, Any]


def block_of(part: Part) -> _Block:
    """Return the block of a part, without the part's additional fields.

    Raises:
        UnsupportedError: The protocol does not have such a part.
    """
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return _image(part)
        case FilePart():
            return _file(part)
        case AudioPart() | VideoPart():
            raise UnsupportedError(
                "the message has a sound or a video, which Anthropic does not accept; "
                "leave it out"
            )
        case _:
            assert_never(part)


def _image(part: ImagePart) -> _Block:
    if part.detail not in {None, "auto"}:
        raise UnsupportedError(
            "the image has detail, which Anthropic does not support; leave detail out"
        )
    if part.data is None:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    return {"type": "image", "source": _base64(part.media_type, part.data)}


def _file(part: FilePart) -> _Block:
    title = {} if part.filename is None else {"title": part.filename}
    return {"type": "document", "source": _source(part), **title}


def _source(part: FilePart) -> _Block:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    if part.data is None:
        return {"type": "file", "file_id": part.file_id}
    kind = (part.media_type or "").partition(";")[0].strip().lower()
    if kind == "application/pdf":
        return _base64(kind, part.data)
    if kind.startswith("text/"):
        try:
            text = part.data.decode()
        except UnicodeDecodeError:
            raise UnsupportedError(
                "a text file is not UTF-8, which Anthropic requires; encode it so"
            ) from None
        # The protocol has one name for every text.
        return {"type": "text", "media_type": "text/plain", "data": text}
    raise UnsupportedError(
        f"Anthropic does not accept a file of {part.media_type!r} in a message, only "
        "PDF and text; upload it first, and give its file_id"
    )


def _base64(media_type: str | None, data: bytes) -> _Block:
    from base64 import b64encode

    encoded = b64encode(data).decode("ascii")
    return {"type": "base64", "media_type": media_type, "data": encoded}
