"""FlowGPT's protocol: a request's signature, headers and body, and the reply's lines.

The protocol has no official documentation. The facts are from the project's founding
description and from an open-source client that used the protocol from February to
October 2024; read 2026-11-22. docs/providers/flowgpt.md compares the two. No I/O
happens here.

Slow imports are inside functions: this module is loaded with the plugin, also for
listings.
"""

from __future__ import annotations

import os
import string
from collections.abc import Callable, Mapping
from typing import Any, cast

from turnout.decoding import LineDecoder, OddEventError, is_error
from turnout.types import ChatRequest, Event, Finish, Message, Secret

__all__ = ["PATH", "Decoder", "body", "headers", "new_device_id", "proof", "sign"]

PATH = "/v3/chat-anonymous"

GREETING = "Hello, how can I help you today?"

DEFAULT_SYSTEM = "You are helpful assistant. Follow the user's instructions carefully."

DEFAULT_TEMPERATURE = 0.7

# `type(x) is` this is the fastest check of a type.
_OBJECT: type[dict[str, Any]] = dict


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

    signed = f"{timestamp}-{nonce}-{authorization}".encode()
    return hashlib.md5(signed, usedforsecurity=False).hexdigest()


def headers(*, device_id: str, token: Secret | None) -> dict[str, str | Secret]:
    """Return the headers of a request that are not its `proof`.

    The service expects a browser on its own site.

    Args:
        device_id: The same for the lifetime of a provider.
        token: The caller's; None for an anonymous one.
    """
    # An anonymous caller's token is the word null. It is not marked as a secret: it
    # would be redacted from the service's own words in an error.
    bearer = (token or Secret("null")).prefixed("Bearer ")
    return {
        "User-Agent": (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:122.0) "
            "Gecko/20100101 Firefox/122.0"
        ),
        "Accept": "*/*",
        "Accept-Language": "en-US;q=0.7,en;q=0.3",
        # A truncated compressed body looks like a complete one.
        "Accept-Encoding": "identity",
        "Referer": "https://flowgpt.com/",
        "Content-Type": "application/json",
        "Authorization": bearer if token else bearer.reveal(),
        "Origin": "https://flowgpt.com",
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-site",
        "TE": "trailers",
        "x-flow-device-id": device_id,
    }


def proof(
    headers: Mapping[str, str | Secret], *, clock: Callable[[], float]
) -> dict[str, str]:
    """Return the headers that sign a request, with a new nonce.

    Args:
        headers: The request's other headers, including `Authorization`.
        clock: Returns the present Unix time in seconds.
    """
    named = {name.lower(): value for name, value in headers.items()}
    authorization = named["authorization"]
    if isinstance(authorization, Secret):
        authorization = authorization.reveal()
    timestamp = str(int(clock()))
    nonce = new_nonce()
    return {
        "x-nonce": nonce,
        "x-signature": sign(timestamp, nonce, authorization),
        "x-timestamp": timestamp,
    }


def body(request: ChatRequest) -> dict[str, object]:
    """Return the body of a request."""
    *earlier, last = request.messages
    temperature = request.temperature
    fields: dict[str, object] = {
        "model": request.model,
        "nsfw": False,
        "question": last.text,
        "history": [
            {"role": "assistant", "content": GREETING},
            *(_turn(message) for message in earlier if message.role != "system"),
        ],
        "system": request.system_text or DEFAULT_SYSTEM,
        "temperature": DEFAULT_TEMPERATURE if temperature is None else temperature,
        "promptId": f"model-{request.model}",
        "documentIds": [],
        "chatFileDocumentIds": [],
        "generateImage": False,
        "generateAudio": False,
    }
    return request.merged(fields)


def _turn(message: Message) -> dict[str, str]:
    """Return an earlier message, with its other fields, as the client of 2024 does."""
    named = {} if message.name is None else {"name": message.name}
    return {"role": message.role, "content": message.text, **named}


class Decoder(LineDecoder):
    """Decode an answer: lines of JSON, without a mark for the end.

    A line is a JSON object; if its `event` is `text`, its `data` is the next piece.
    Other events and objects without one are ignored, unless they report an error.
    """

    end = "a line, or without a length or chunks that prove its end"
    ends_with_body = True

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        # Whether a text event has come, also one with an empty text.
        self._answered = False
        # The first line that is an error if no text event comes.
        self._words: dict[str, Any] | None = None

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read lines.

        Raises:
            OddEventError: One is not a JSON object, or not of the protocol.
        """
        # One loop without calls of our own if a line is text: it runs for every line.
        from_json = self.from_json
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                line = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError as error:
                if _opens_document(error, data):
                    # It is the first of its kind: the lines before it were read.
                    self.begin_document(datas[datas.index(data) :])
                    break
                line = self.read_leniently(data)
                if line is None:
                    raise OddEventError("is not JSON") from None
            if (
                type(line) is _OBJECT
                and line.get("event") == "text"
                and type(text := line.get("data")) is str
            ):
                if text:
                    events.append(text)
                else:
                    self._answered = True
                continue
            self._read_other(line)
            if self.done:
                break
        if events:
            self._answered = True

    def is_whole(self, data: bytes) -> bool:
        """Return whether the last line is whole: it is if the body is.

        Otherwise a whole error counts, and text does not, since more was to come.
        """
        return self.framed or (
            data[:1] in b"{[" and b'"text"' not in data and super().is_whole(data)
        )

    def end_with_body(self) -> None:
        """Handle the end of a framed body, of an answer or of an error."""
        if self._words is not None and not self._answered:
            self._report(self._words)
        else:
            super().end_with_body()

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read JSON over several lines, which is an error.

        Raises:
            OddEventError: It is something else.
        """
        line = _first_object(value)
        if not _reports_error(line) and not _may_be_error(line):
            raise OddEventError("is neither lines of JSON nor an error")
        self._report(line)
        return []

    def finish(self) -> Finish:
        """Return the answer's end; the service gives no reason."""
        details = {} if self.request_id is None else {"request_id": self.request_id}
        return Finish(reason="unknown", details=details)

    def _read_other(self, value: object) -> None:
        """Read a line that is not text.

        Raises:
            OddEventError: It is not of the protocol.
        """
        line = _first_object(value)
        if _reports_error(line):
            self._report(line)
        elif line is not value:
            raise OddEventError("is a list")
        elif line.get("event") == "text":
            raise OddEventError(f"has a {type(line.get('data')).__name__} for data")
        elif self._words is None and _may_be_error(line):
            self._words = line

    def _report(self, line: dict[str, Any]) -> None:
        from turnout_flowgpt._errors import document_of

        self.report(document_of(line))


def _first_object(value: object) -> dict[str, Any]:
    """Return a JSON object, or the first of a list: some services list their errors.

    Raises:
        OddEventError: It is something else.
    """
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), None)
    if not isinstance(value, dict):
        raise OddEventError("is not a JSON object")
    return cast("dict[str, Any]", value)


def _reports_error(line: dict[str, Any]) -> bool:
    from turnout_flowgpt._errors import reports_error

    return reports_error(line)


def _may_be_error(line: dict[str, Any]) -> bool:
    """Return whether a line is an error if it came instead of an answer.

    That is a line without an event and with a message: `{"message": "Forbidden"}`.
    """
    return not line.get("event") and is_error(line)


def _opens_document(error: ValueError, data: bytes) -> bool:
    """Return whether a line that is not JSON begins JSON over several lines.

    A line of the protocol has an event, and is invalid if its end is missing.
    """
    return "EOF while parsing" in str(error) and b'"event"' not in data
