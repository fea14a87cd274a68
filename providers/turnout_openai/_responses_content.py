"""Citations, images and sounds in an answer by Responses. No I/O.

Source: the types of output items in OpenAI's SDK 3.57.0, read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

from turnout.decoding import as_count
from turnout.types import Citation, MediaDelta

__all__ = ["citation", "flat", "images_of", "key_of", "parts_of", "sound", "text_of"]

_Fields: TypeAlias = Mapping[str, Any]

_SIGNATURES = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "UklGR": "image/webp",
    "R0lGOD": "image/gif",
}
"""How the base64 of an image begins, by its format. xAI does not name the format."""

_FORMS = {"svg": "svg+xml", "jpg": "jpeg"}
"""The subtype of a format's media type, if it has another name."""


def parts_of(content: object) -> Iterator[_Fields]:
    """Yield the parts of a content that is a list, a part or a text."""
    several = isinstance(content, list)
    for part in cast("list[object]", content) if several else [content]:
        if isinstance(part, Mapping):
            yield cast("_Fields", part)
        elif isinstance(part, str):
            yield {"type": "output_text", "text": part}


def text_of(part: _Fields) -> str | None:
    """Return the text or the refusal of a part; None if it is neither."""
    text = part.get("text")
    if not isinstance(text, str):
        text = part.get("refusal")
    return text if isinstance(text, str) else None


def flat(fields: _Fields) -> dict[str, Any]:
    """Return an object in the form of Responses.

    Chat completions nest the fields of a type under its name, as in `{"type": "custom",
    "custom": {"name": ...}}`; Responses do not.
    """
    kind = fields.get("type")
    inner = fields.get(kind) if isinstance(kind, str) else None
    if not isinstance(inner, Mapping):
        return dict(fields)
    outer = {name: value for name, value in fields.items() if name != kind}
    return {**outer, **cast("_Fields", inner)}


def citation(annotation: _Fields, start: int | None) -> Citation:
    """Return an annotation as a citation.

    Args:
        annotation: As the service sent it. Its positions are those in its part.
        start: Where the part begins in the answer's text; None if unknown.
    """
    fields = flat(annotation)
    return Citation(
        url=_text(fields, "url"),
        title=_text(fields, "title"),
        start=_place(fields, "start_index", start),
        end=_place(fields, "end_index", start),
        source=_text(fields, "filename") or _text(fields, "file_id"),
        item=annotation,
    )


def key_of(annotation: _Fields) -> tuple[object, ...]:
    """Return what two annotations share if one is sent again."""
    fields = flat(annotation)
    return tuple(
        str(fields.get(name))
        for name in ("type", "url", "file_id", "start_index", "end_index", "index")
    )


def _place(fields: dict[str, Any], name: str, start: int | None) -> int | None:
    place = as_count(fields, name)
    return None if start is None or place is None or place < 0 else start + place


def _text(fields: _Fields, name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def images_of(item: _Fields) -> Iterator[tuple[str | None, str]]:
    """Yield the media type and the URL of each image that an item brings."""
    match item:
        case {"type": "image_generation_call", "result": str(result)} if result:
            yield _image(result, item.get("output_format"))
        case {"type": "code_interpreter_call", "outputs": list()}:
            for output in parts_of(item["outputs"]):
                match output:
                    case {"type": "image", "url": str(url)}:
                        yield _image(url, None)
                    case _:
                        pass
        case _:
            pass


def _image(result: str, form: object) -> tuple[str | None, str]:
    """Return the media type and the URL of an image, which is base64 or a URL."""
    if result.startswith("data:"):
        return result[len("data:") :].partition(";")[0] or None, result
    if result.startswith(("https:", "http:")):
        return None, result
    media_type = f"image/{_FORMS.get(form, form)}" if isinstance(form, str) else None
    for beginning, name in _SIGNATURES.items():
        if media_type is None and result.startswith(beginning):
            media_type = name
    media_type = media_type or "image/png"
    return media_type, f"data:{media_type};base64,{result}"


def sound(index: int, data: object, transcript: object) -> MediaDelta | None:
    """Return an increment of a sound; None if there is nothing in it."""
    from base64 import b64decode

    try:
        raw = b64decode(data) if isinstance(data, str) else b""
    except ValueError:
        raw = b""
    said = transcript if isinstance(transcript, str) else ""
    return MediaDelta(index=index, data=raw, transcript=said) if raw or said else None
