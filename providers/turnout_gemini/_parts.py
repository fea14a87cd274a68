"""The user's parts in Gemini's form: text, images, sounds, videos and files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

from turnout.errors import UnsupportedError
from turnout.types import (
    AudioPart,
    FilePart,
    ImagePart,
    Part,
    TextPart,
    VideoPart,
)
from turnout_gemini._extra import known_fields

__all__ = ["part_of"]

_FIELDS = frozenset(
    {
        "audioMetadata",
        "audioTranscription",
        "documentMetadata",
        "mediaProcessing",
        "mediaResolution",
        "partMetadata",
        "speechMetadata",
        "spreadsheetMetadata",
        "thought",
        "thoughtSignature",
        "videoMetadata",
    }
)
"""What a part has beside its content: google-genai 3.6.1, `types.Part`."""

_FILES = "https://generativelanguage.googleapis.com/v1beta/"
"""What is before a file's name, as in `files/abc`, in its address."""

_SCHEMES = ("https://", "http://", "gs://")

_YOUTUBE = re.compile(r"https?://(?:(?:www|m)\.)?(?:youtube\.com|youtu\.be)/", re.ASCII)

_MEDIA_TYPES = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "avi": "video/avi",
    "css": "text/css",
    "csv": "text/csv",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "heic": "image/heic",
    "heif": "image/heif",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "md": "text/md",
    "mov": "video/mov",
    "mp3": "audio/mp3",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpg",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "rtf": "text/rtf",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "wmv": "video/wmv",
    "xml": "text/xml",
}
"""By the ending of an address.

Source: the pages on images, audio, video and documents of ai.google.dev, read
2026-11-30.
"""


def part_of(part: Part, where: str) -> dict[str, object]:
    """Return a part in Gemini's form.

    Args:
        part: The user's.
        where: Its place, as in `messages[0].content[1]`.

    Raises:
        UnsupportedError: The protocol cannot express it.
    """
    return {**_content(part), **known_fields(part.extra, _FIELDS, where)}


def _content(part: Part) -> Mapping[str, object]:
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart(detail=None | "auto") | AudioPart() | VideoPart():
            return _media(part)
        case ImagePart():
            raise UnsupportedError(
                "an image has detail, which Gemini does not support; leave it out"
            )
        case FilePart(file_id=None):
            return _media(part)
        case FilePart():
            return _file(part)
        case _:
            assert_never(part)


def _media(part: ImagePart | AudioPart | VideoPart | FilePart) -> dict[str, object]:
    if part.data is not None:
        from base64 import b64encode

        data = b64encode(part.data).decode("ascii")
        return {"inlineData": {"mimeType": part.media_type, "data": data}}
    url = part.url or ""
    if not url.startswith(_SCHEMES):
        raise UnsupportedError(
            "Gemini fetches files only from https, http and gs addresses"
        )
    # The service knows the types of its own files and of YouTube's videos.
    if url.startswith(_FILES) or _YOUTUBE.match(url):
        return _by_address(url, part.media_type)
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    media_type = part.media_type or _MEDIA_TYPES.get(ending)
    if media_type is None:
        raise UnsupportedError(
            "Gemini needs the media type of a file whose address does not end in one "
            f"that is known; set media_type of the {type(part).__name__}"
        )
    return _by_address(url, media_type)


def _file(part: FilePart) -> dict[str, object]:
    uri = part.file_id or ""
    if uri.startswith("files/"):
        uri = _FILES + uri
    if not uri.startswith(_SCHEMES):
        raise UnsupportedError(
            "Gemini takes the name of a file as in 'files/abc', or its address"
        )
    return _by_address(uri, part.media_type)


def _by_address(url: str, media_type: str | None) -> dict[str, object]:
    known = {} if media_type is None else {"mimeType": media_type}
    return {"fileData": {**known, "fileUri": url}}
