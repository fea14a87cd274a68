"""Images and sounds in an answer, as services of chat completions send them. No I/O.

Source: OpenAI's SDK 3.57.0 on `audio`; OpenRouter's page on image generation and public
reports of its `images` (danny-avila/LibreChat issue 11020), read 2026-11-30.
"""

from __future__ import annotations

from turnout.types import MediaDelta
from turnout_openai._forms import object_in

__all__ = ["Media", "address_of"]

_ADDRESSES = ("image_url", "url", "image", "output_image", "source")
"""Fields that hold the URL of an image, or an object that does."""


class Media:
    """Gives each image and each sound of an answer an index, once."""

    __slots__ = ("_audio_type", "_base64", "_count", "_sound", "_urls", "state")

    def __init__(self, audio_type: str | None) -> None:
        self._audio_type = audio_type
        self._count = 0
        self._urls: set[str] = set()
        # Base64 that is not decoded yet: less than four characters.
        self._base64 = ""
        # The index of the sound; it is taken when its first piece comes.
        self._sound: int | None = None
        self.state: dict[str, object] = {}
        """What the service wants to see again of its sound: its id."""

    def image(self, url: str) -> MediaDelta | None:
        """Return the image that a URL has; None if it came already."""
        if url in self._urls:
            return None
        self._urls.add(url)
        head, comma, _ = url.partition(",")
        kind = head.removeprefix("data:").partition(";")[0]
        named = comma and head.startswith("data:") and kind
        return MediaDelta(
            index=self._next_index(), media_type=kind if named else None, url=url
        )

    def audio(self, value: object) -> MediaDelta | None:
        """Return a piece of the sound; None if it has no bytes and no words."""
        fields = object_in(value)
        name, data, words = (fields.get(n) for n in ("id", "data", "transcript"))
        if isinstance(name, str) and name:
            self.state = {"id": name}
        piece = self._decoded(data) if isinstance(data, str) else b""
        words = words if isinstance(words, str) else ""
        if not piece and not words:
            return None
        return self._piece(piece, words)

    def rest(self) -> MediaDelta | None:
        """Return the last bytes of the sound, if its base64 ends without padding."""
        piece = self._decoded("=" * (-len(self._base64) % 4))
        return self._piece(piece, "") if piece else None

    def _piece(self, data: bytes, transcript: str) -> MediaDelta:
        if self._sound is None:
            self._sound = self._next_index()
        return MediaDelta(
            index=self._sound,
            media_type=self._audio_type,
            data=data,
            transcript=transcript,
        )

    def _next_index(self) -> int:
        self._count += 1
        return self._count - 1

    def _decoded(self, piece: str) -> bytes:
        """Return the bytes of a piece of base64, which may be cut anywhere."""
        from base64 import b64decode

        text = self._base64 + piece
        whole = len(text) // 4 * 4
        self._base64 = text[whole:]
        try:
            return b64decode(text[:whole])
        except ValueError:
            return b""  # An answer is worth more than its sound.


def address_of(value: object) -> str | None:
    """Return the URL of an image, or a `data:` URL with its bytes."""
    if isinstance(value, str):
        return value
    fields = object_in(value)
    data = fields.get("b64_json") or fields.get("data")
    if isinstance(data, str) and data:
        kind = fields.get("media_type") or fields.get("mime_type") or "image/png"
        return f"data:{kind};base64,{data}"
    found = (address_of(fields[name]) for name in _ADDRESSES if name in fields)
    return next(filter(None, found), None)
