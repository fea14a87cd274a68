"""What a request to FlowGPT must be: every line of the protocol, as checks.

Written from the protocol's description alone, so that it is a second opinion on the
provider. A rule that a request breaks gives a `Refusal`; a request may break many.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Never, cast, final

from turnout.testing import HttpRequest

PATH = "/v3/chat-anonymous"
MODELS = (
    "gpt-3.5-turbo",
    "gpt-3.5-long",
    "gpt-4-turbo",
    "google-gemini",
    "claude-instant",
    "claude-v1",
    "claude-v2",
    "llama2-13b",
    "mythalion-13b",
    "pygmalion-13b",
    "chronos-hermes-13b",
    "Mixtral-8x7B",
    "Dolphin-2.6-8x7B",
)
GREETING = {"role": "assistant", "content": "Hello, how can I help you today?"}
DEFAULT_SYSTEM = "You are helpful assistant. Follow the user's instructions carefully."
HEADERS = {
    "Accept": "*/*",
    "Accept-Language": "en-US;q=0.7,en;q=0.3",
    "Referer": "https://flowgpt.com/",
    "Origin": "https://flowgpt.com",
    "Content-Type": "application/json",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-site",
    "TE": "trailers",
}
BODY_KEYS = (
    "model",
    "nsfw",
    "question",
    "history",
    "system",
    "temperature",
    "promptId",
    "documentIds",
    "chatFileDocumentIds",
    "generateImage",
    "generateAudio",
)
MAX_CLOCK_SKEW = 60
"""Seconds by which a timestamp may be off, either way."""

_DESKTOP_FIREFOX = re.compile(
    r"Mozilla/5\.0 \("
    r"(Windows NT \d+\.\d+; Win64; x64"
    r"|Macintosh; Intel Mac OS X \d+[._]\d+"
    r"|X11; (Ubuntu; )?Linux x86_64)"
    r"; rv:\d+\.0\) Gecko/20100101 Firefox/\d+\.0"
)
_TIMESTAMP = re.compile(r"[1-9][0-9]*")
_NONCE = re.compile(r"[0-9a-f]{32}")
_DEVICE_ID = re.compile(r"f-[a-z0-9]{19}")


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that a request broke."""

    status: int
    """The status that the server answers with: 401 proof, 422 body, 404 path, ..."""
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The protocol, and what a test may vary in it."""

    token: str | None = None
    """The token that the caller must show; None stands for the anonymous caller."""
    extra_keys: Collection[str] = ()
    """Keys that the body must have besides the documented ones."""
    accept_encodings: Collection[str] = ("identity", "gzip", "deflate")
    """What `Accept-Encoding` may name."""
    _used_nonces: set[str] = field(default_factory=set[str], init=False, repr=False)

    def refusals(self, request: HttpRequest, now: float) -> list[Refusal]:
        """Return every rule that the request breaks at this Unix time.

        Remembers its nonce: the same request again breaks a rule.
        """
        faults = [*_target_faults(request), *self._header_faults(request)]
        return [
            *faults,
            *(Refusal(401, reason) for reason in self._proof_faults(request, now)),
            *self._body_faults(request),
        ]

    def _header_faults(self, request: HttpRequest) -> Iterator[Refusal]:
        for name, wanted in HEADERS.items():
            if request.values(name) != [wanted]:
                yield Refusal(400, f"{name} is {request.values(name)!r}")
        agents = request.values("User-Agent")
        if len(agents) != 1 or not _DESKTOP_FIREFOX.fullmatch(agents[0]):
            yield Refusal(400, f"User-Agent is {agents!r}, not a desktop Firefox")
        for encoding in accepted_encodings(request):
            if encoding not in self.accept_encodings:
                yield Refusal(400, f"Accept-Encoding names {encoding!r}")
        if not accepted_encodings(request):
            yield Refusal(400, "Accept-Encoding is missing")
        if request.values("Proxy-Authorization"):
            yield Refusal(400, "Proxy-Authorization went past the proxy")
        device_ids = request.values("x-flow-device-id")
        if len(device_ids) != 1 or not _DEVICE_ID.fullmatch(device_ids[0]):
            yield Refusal(400, f"x-flow-device-id is {device_ids!r}")

    def _proof_faults(self, request: HttpRequest, now: float) -> Iterator[str]:
        proof = [
            request.values(name)
            for name in ("x-timestamp", "x-nonce", "Authorization", "x-signature")
        ]
        if any(len(values) != 1 for values in proof):
            yield "x-timestamp, x-nonce, Authorization, x-signature: once each"
            return
        timestamp, nonce, authorization, signature = (values[0] for values in proof)
        if not _TIMESTAMP.fullmatch(timestamp):
            yield f"x-timestamp is {timestamp!r}"
        elif abs(now - int(timestamp)) > MAX_CLOCK_SKEW:
            yield f"x-timestamp is {int(timestamp) - now:+.0f} s off"
        if not _NONCE.fullmatch(nonce):
            yield f"x-nonce is {nonce!r}"
        elif nonce in self._used_nonces:
            yield f"x-nonce {nonce!r} was used before"
        self._used_nonces.add(nonce)
        if authorization != f"Bearer {self.token or 'null'}":
            yield "Authorization is not the caller's"
        signed = f"{timestamp}-{nonce}-{authorization}".encode()
        if signature != hashlib.md5(signed, usedforsecurity=False).hexdigest():
            yield "x-signature is wrong"

    def _body_faults(self, request: HttpRequest) -> Iterator[Refusal]:
        try:
            body = parse_body(request.body)
        except ValueError as exc:
            yield Refusal(422, f"the body is not one JSON object: {exc}")
            return
        wanted = {*BODY_KEYS, *self.extra_keys}
        for key in sorted(wanted - body.keys()):
            yield Refusal(422, f"{key!r} is missing")
        for key in sorted(body.keys() - wanted):
            yield Refusal(422, f"{key!r} is unknown")
        if wanted <= body.keys():
            yield from _value_faults(body)


def accepted_encodings(request: HttpRequest) -> list[str]:
    """Return the codings that `Accept-Encoding` names, without weights of zero."""
    items = ",".join(request.values("Accept-Encoding")).split(",")
    codings: list[str] = []
    for item in items:
        coding, _, weight = item.strip().lower().partition(";")
        if coding and not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight):
            codings.append(coding.strip())
    return codings


def parse_body(body: bytes) -> dict[str, object]:
    """Decode a JSON object in UTF-8 without NaN or a key that occurs twice.

    Raises:
        ValueError: It is anything else.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key occurs twice: {keys!r}")
        return dict(pairs)

    def refuse_constant(name: str) -> Never:
        raise ValueError(f"{name} is not JSON")

    value: object = json.loads(
        body.decode(), object_pairs_hook=unique, parse_constant=refuse_constant
    )
    if not isinstance(value, dict):
        raise ValueError(f"it is a {type(value).__name__}")
    # JSON has no other keys than strings.
    return cast("dict[str, object]", value)


def _target_faults(request: HttpRequest) -> Iterator[Refusal]:
    if request.target != PATH:
        yield Refusal(404, f"no such path: {request.target!r}")
    if request.method != "POST":
        yield Refusal(405, f"method {request.method!r}")


def _value_faults(body: Mapping[str, object]) -> Iterator[Refusal]:
    if body["model"] not in MODELS:
        yield Refusal(404, f"no such model: {body['model']!r}")
    if body["promptId"] != f"model-{body['model']}":
        yield Refusal(422, f"promptId is {body['promptId']!r}")
    for key in ("nsfw", "generateImage", "generateAudio"):
        if body[key] is not False:
            yield Refusal(422, f"{key} is {body[key]!r}")
    for key in ("documentIds", "chatFileDocumentIds"):
        if body[key] != []:
            yield Refusal(422, f"{key} is {body[key]!r}")
    if not isinstance(body["question"], str):
        yield Refusal(422, f"question is {body['question']!r}")
    if not isinstance(body["system"], str) or not body["system"]:
        yield Refusal(422, f"system is {body['system']!r}")
    temperature = body["temperature"]
    # A bool is an int to Python, not to JSON; 1e999 is JSON, and infinite.
    if (
        isinstance(temperature, bool)
        or not isinstance(temperature, int | float)
        or not math.isfinite(temperature)
    ):
        yield Refusal(422, f"temperature is {temperature!r}")
    yield from _history_faults(body["history"])


def _history_faults(history: object) -> Iterator[Refusal]:
    if not isinstance(history, list) or history[:1] != [GREETING]:
        yield Refusal(422, "history does not begin with the greeting")
        return
    if not all(isinstance(message, dict) for message in cast("list[object]", history)):
        yield Refusal(422, "history holds what is not an object")
        return
    for message in cast("list[dict[str, object]]", history):
        if message.get("role") == "system":
            yield Refusal(422, "history holds a system message")
        elif message.keys() - {"name"} != {"role", "content"} or not all(
            isinstance(value, str) for value in message.values()
        ):
            yield Refusal(422, f"history holds {message!r}")
