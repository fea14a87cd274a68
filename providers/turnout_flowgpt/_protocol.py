"""FlowGPT's protocol: a request's proof, headers and body, and the reply's lines.

There is no official documentation. The facts are those of the project's founding
description and of an open-source client that spoke the protocol from February 2024;
read 2026-11-22. No I/O happens here.

What takes long to import is imported where it is needed: this module is loaded with the
plugin, for listings too.
"""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from typing import cast

from turnout.errors import ProtocolError
from turnout.framing import MAX_EVENT_BYTES, FramingError, LineSplitter
from turnout.types import ChatRequest, Secret

__all__ = ["PATH", "Decoder", "body", "headers", "new_device_id", "sign"]

PATH = "/v3/chat-anonymous"

GREETING = "Hello, how can I help you today?"

DEFAULT_SYSTEM = "You are helpful assistant. Follow the user's instructions carefully."

DEFAULT_TEMPERATURE = 0.7

# The service expects a browser of its own site.
_BROWSER = {
    "User-Agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:122.0) "
        "Gecko/20100101 Firefox/122.0"
    ),
    "Accept": "*/*",
    "Accept-Language": "en-US;q=0.7,en;q=0.3",
    # A compressed body that was cut off cannot be told from a whole one.
    "Accept-Encoding": "identity",
    "Referer": "https://flowgpt.com/",
    "Content-Type": "application/json",
    "Origin": "https://flowgpt.com",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-site",
    "TE": "trailers",
}


def new_device_id() -> str:
    """Return a device's id: `f-` and 19 random characters out of a-z and 0-9."""
    import secrets

    letters = string.ascii_lowercase + string.digits
    return "f-" + "".join(secrets.choice(letters) for _ in range(19))


def new_nonce() -> str:
    """Return a request's nonce: 32 random lower-case hex digits."""
    return os.urandom(16).hex()


def sign(timestamp: str, nonce: str, authorization: str) -> str:
    """Return the signature of a request.

    Args:
        timestamp: Unix time in whole seconds, in decimal.
        nonce: The request's own.
        authorization: The whole `Authorization` header, `Bearer ` included.
    """
    import hashlib

    proof = f"{timestamp}-{nonce}-{authorization}".encode()
    return hashlib.md5(proof, usedforsecurity=False).hexdigest()


def headers(
    *, device_id: str, clock: Callable[[], float], token: Secret | None
) -> dict[str, str | Secret]:
    """Return the headers of one request, with a new proof among them.

    Args:
        device_id: One for the life of a provider.
        clock: Gives the present Unix time in seconds.
        token: The caller's; None for an anonymous one.
    """
    timestamp = str(int(clock()))
    nonce = new_nonce()
    # An anonymous caller's token is the word null, which is no secret: as one it would
    # be blotted out of the service's own words in an error.
    bearer = (token or Secret("null")).prefixed("Bearer ")
    return {
        **_BROWSER,
        "Authorization": bearer if token else bearer.reveal(),
        "x-flow-device-id": device_id,
        "x-nonce": nonce,
        "x-timestamp": timestamp,
        "x-signature": sign(timestamp, nonce, bearer.reveal()),
    }


def body(request: ChatRequest) -> dict[str, object]:
    """Return the body of a request. `extra` goes over what is set here."""
    *earlier, last = request.messages
    history = [{"role": "assistant", "content": GREETING}]
    history += [
        {"role": message.role, "content": message.text}
        for message in earlier
        if message.role != "system"
    ]
    temperature = request.temperature
    return {
        "model": request.model,
        "nsfw": False,
        "question": last.text,
        "history": history,
        "system": request.system_text or DEFAULT_SYSTEM,
        "temperature": DEFAULT_TEMPERATURE if temperature is None else temperature,
        "promptId": f"model-{request.model}",
        "documentIds": [],
        "chatFileDocumentIds": [],
        "generateImage": False,
        "generateAudio": False,
        **request.extra,
    }


class Decoder:
    """Turn the bytes of a reply into pieces of text.

    A line is a JSON object; where its `event` is `text`, its `data` is the next piece.
    Blank lines, other events and objects without one are passed over. A line whose
    text is no Unicode, as half of a surrogate pair is none, is no JSON object.

    It never raises while it is fed, so that what came before a fault is given out
    however the network cut the bytes: `check` tells of it.

    Args:
        max_event_bytes: How many bytes a line may have.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        from pydantic_core import from_json

        self._from_json = from_json
        self._lines = LineSplitter(max_event_bytes)
        self.empty = True
        """Whether nothing but blank lines has come."""
        self._fault: str | None = None

    def feed(self, data: bytes) -> list[str]:
        """Return the pieces that the lines ended by `data` hold."""
        try:
            lines = self._lines.feed(data)
        except FramingError as error:
            self._fault = f"sent too much at once: {error}; set max_event_bytes"
            return []
        return self._pieces(lines)

    def close(self) -> list[str]:
        """Return the piece of a last line without a line feed."""
        return self._pieces([self._lines.close()])

    def check(self) -> None:
        """Make sure that what came is of the protocol; else nothing more is read.

        Raises:
            ProtocolError: A line is no JSON object, or is too long.
        """
        if self._fault is not None:
            raise ProtocolError(f"FlowGPT {self._fault}")

    def _pieces(self, lines: list[bytes]) -> list[str]:
        # One loop without calls of our own: it is run for every event.
        pieces: list[str] = []
        from_json = self._from_json
        for line in lines:
            if not line:
                continue
            try:
                value: object = from_json(line, allow_inf_nan=False)
            except ValueError:
                if line.isspace():
                    continue
                value = None
            if not isinstance(value, dict):
                self._fault = "sent a line that is no JSON object"
                break
            self.empty = False
            event = cast("dict[str, object]", value)
            if event.get("event") != "text":
                continue
            piece = event.get("data")
            if not isinstance(piece, str):
                self._fault = (
                    f"sent a text event whose data is a {type(piece).__name__}"
                )
                break
            if piece:
                pieces.append(piece)
        return pieces
