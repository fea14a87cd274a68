"""The images and sounds of an answer.

Source: google-genai 3.6.1, `types.Blob`, `types.FileData` and `types.Transcription`,
read 2026-11-30.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any, cast

from turnout.types import MediaDelta

__all__ = ["MediaReader"]

_RAW = ("audio/l16", "audio/pcm")
"""Sounds without a header, which a stream has in pieces. Gemini's speech is
`audio/L16;codec=pcm;rate=24000`."""

_URL_SAFE = str.maketrans("-_", "+/")


class MediaReader:
    """Read the parts of an answer that are images or sounds."""

    def __init__(self) -> None:
        self._index = -1
        # The media type of the sound that goes on; None without one.
        self._going_on: str | None = None
        self.is_piece = False
        """Whether the last part is a piece of a sound and not a whole."""

    def read(self, part: Mapping[str, Any]) -> MediaDelta | None:
        """Return what a part brings; None if it is neither an image nor a sound."""
        blob = _mapping(part.get("inlineData"))
        file = _mapping(part.get("fileData"))
        data, url = _bytes(blob.get("data")), _text(file.get("fileUri"))
        if not data and not url:
            return None
        media_type = _text((blob if data else file).get("mimeType"))
        raw = bool(data) and (media_type or "").lower().startswith(_RAW)
        self.is_piece = raw
        if not raw or media_type != self._going_on:
            self._index += 1
        self._going_on = media_type if raw else None
        transcript = _mapping(part.get("audioTranscription")).get("text")
        return MediaDelta(
            index=self._index,
            media_type=media_type,
            url=url,
            data=data,
            transcript=_text(transcript) or "",
        )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if value and isinstance(value, str) else None


def _bytes(value: object) -> bytes:
    """Return the bytes for base64 in either alphabet; none if it is not base64."""
    text = _text(value)
    if text is None or not text.isascii():
        return b""
    text = text.translate(_URL_SAFE).rstrip("=")
    try:
        return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return b""
