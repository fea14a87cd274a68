"""A server on loopback that speaks Gemini's generateContent, and refuses all else.

    async with GeminiServer(answer("Par", "is")) as server:
        ...  # ask it at server.base_url

    assert server.refusals == []

Written from the documented protocol, and not with the product's code. Each request that
keeps the rules takes the next answer; the last answer repeats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast, final
from urllib.parse import parse_qs, unquote, urlsplit

from typing_extensions import override

from turnout.testing import (
    CHUNKED,
    Connection,
    HttpRequest,
    LoopbackServer,
    response_head,
)
from turnout.testing._slicing import Slicing, whole

_PATH = re.compile(r"/v1beta/models/([^/:]+):streamGenerateContent\?alt=sse")

_FIELDS = {
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "cachedContent",
}

_MEDIA = {"inlineData", "fileData", "videoMetadata", "mediaResolution", "partMetadata"}

_PARTS = {
    "user": {"text", "functionResponse", *_MEDIA},
    "model": {
        "text",
        "thought",
        "thoughtSignature",
        "functionCall",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
        *_MEDIA,
    },
}

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}

PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [
        {
            "quotaMetric": "generate_content_free_tier_requests",
            "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            "quotaValue": "250",
        }
    ],
}
PER_MINUTE = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
}
SOON = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "19.5s"}
BAD_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}
"""Details of errors, as the service gives them."""


def event(value: object) -> bytes:
    """Return an event whose data is a value as JSON."""
    # Characters, not escapes, so that a read may end inside of one.
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def response(
    parts: Sequence[object] | None, reason: str | None = None, **fields: object
) -> dict[str, object]:
    """Return a response with one candidate.

    Args:
        parts: Of its content; None where it has no content.
        reason: Why it ended, if it did.
        fields: More fields of the candidate; one of them in capitals is the
            response's own, as in `USAGE=...`.
    """
    candidate: dict[str, object] = {"index": 0}
    if parts is not None:
        candidate["content"] = {"role": "model", "parts": list(parts)}
    if reason is not None:
        candidate["finishReason"] = reason
    usage = fields.pop("USAGE", USAGE)
    return {
        "candidates": [{**candidate, **fields}],
        "usageMetadata": usage,
        "modelVersion": "m-1",
        "responseId": "resp-1",
    }


def text(piece: str) -> bytes:
    """Return an event with a piece of text."""
    return event(response([{"text": piece}]))


def part(**fields: object) -> bytes:
    """Return an event with one part."""
    return event(response([fields]))


def finish(reason: str = "STOP", **fields: object) -> bytes:
    """Return an event with the reason why the answer ended."""
    return event(response([{"text": ""}], reason, **fields))


def error(code: int, status: str, message: str = "no", *details: object) -> bytes:
    """Return an error document over several lines, as the service prints it."""
    told: dict[str, object] = {"code": code, "message": message, "status": status}
    if details:
        told["details"] = list(details)
    return json.dumps({"error": told}, indent=2).encode() + b"\n"


def answer(*pieces: str) -> bytes:
    """Return a whole answer: the pieces, and the reason with the last of them."""
    last = event(response([{"text": pieces[-1]}], "STOP"))
    return b"".join([*map(text, pieces[:-1]), last])


@final
class GeminiServer(LoopbackServer):
    """Answers at `base_url` with status 200, or refuses with 400 or 404.

    Args:
        answers: The bodies of the answers.
        key: The key that requests need; None where they must have none.
        pages: The pages of the list of models.
        slicing: How a body is cut into chunks.
    """

    def __init__(
        self,
        *answers: bytes,
        key: str | None = None,
        pages: Sequence[Mapping[str, object]] = (),
        slicing: Slicing = whole,
    ) -> None:
        super().__init__()
        self._answers = answers or (answer("Hello", " there."),)
        self._key = key
        self._pages = pages
        self._slicing = slicing
        self.bodies: list[Mapping[str, object]] = []
        """The bodies of the requests that kept the rules."""
        self.models: list[str] = []
        """The models that they asked."""
        self.refusals: list[str] = []
        """Which rules were broken."""

    @property
    def base_url(self) -> str:
        """The address that a provider is given."""
        return f"{self.url}/v1beta"

    @override
    async def serve(self, connection: Connection) -> None:
        """Answer the requests of a connection."""
        while True:
            request = await connection.read_request()
            keys = request.values("x-goog-api-key")
            # "A bad key is 400 INVALID_ARGUMENT + reason API_KEY_INVALID, not 401."
            if keys != ([] if self._key is None else [self._key]):
                invalid = {"@type": "x/ErrorInfo", "reason": "API_KEY_INVALID"}
                await self._refuse(connection, ["the key is wrong"], invalid)
            elif request.method == "GET":
                await self._list(connection, request)
            else:
                wrong = _wrong(request)
                if wrong:
                    await self._refuse(connection, wrong)
                else:
                    await self._answer(connection, request)

    async def _answer(self, connection: Connection, request: HttpRequest) -> None:
        index = min(len(self.bodies), len(self._answers) - 1)
        self.bodies.append(cast("Mapping[str, object]", request.json()))
        self.models.append(unquote(_PATH.fullmatch(request.target)[1]))  # type: ignore[index]
        head = response_head(200, ("Content-Type", "text/event-stream"), CHUNKED)
        await connection.send(head)
        for piece in self._slicing(self._answers[index]):
            await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await connection.send(b"0\r\n\r\n")

    async def _list(self, connection: Connection, request: HttpRequest) -> None:
        asked = urlsplit(request.target)
        query = parse_qs(asked.query)
        tokens = query.get("pageToken", ["0"])
        if asked.path != "/v1beta/models" or query.get("pageSize") != ["1000"]:
            await self._refuse(connection, [f"GET {request.target}"])
            return
        await _send(connection, 200, self._pages[int(tokens[0].partition(" ")[0])])

    async def _refuse(
        self, connection: Connection, wrong: list[str], *details: object
    ) -> None:
        self.refusals += wrong
        document = json.loads(
            error(400, "INVALID_ARGUMENT", "; ".join(wrong), *details)
        )
        await _send(connection, 400, document)


async def _send(connection: Connection, status: int, document: object) -> None:
    body = json.dumps(document).encode()
    length = ("Content-Length", str(len(body)))
    await connection.send(response_head(status, length) + body)


def _wrong(request: HttpRequest) -> list[str]:
    wrong: list[str] = []
    if request.method != "POST" or not _PATH.fullmatch(request.target):
        wrong.append(f"{request.method} {request.target}")
    for name, values in {
        "Content-Type": ["application/json"],
        "Accept": ["text/event-stream"],
        "Accept-Encoding": ["identity"],
        "Authorization": [],
    }.items():
        if request.values(name) != values:
            wrong.append(f"{name}: {request.values(name)}")
    return wrong + _wrong_in(request.json())


def _wrong_in(body: object) -> list[str]:
    if not isinstance(body, dict):
        return ["the body is no object"]
    fields = cast("dict[str, object]", body)
    wrong = [f"{k} is unknown" for k in fields if k not in _FIELDS]
    wrong += [f"{k} is null" for k, v in fields.items() if v is None]
    contents = fields.get("contents")
    if not isinstance(contents, list) or not contents:
        return [*wrong, "contents is no list of them"]
    for content in cast("list[dict[str, object]]", contents):
        known = _PARTS.get(str(content.get("role")))
        parts = cast("list[dict[str, object]]", content.get("parts"))
        if content.keys() != {"role", "parts"} or known is None or not parts:
            wrong.append(f"a content has the fields {sorted(content)}")
        elif not all(part and part.keys() <= known for part in parts):
            wrong.append(f"a part has the fields {[sorted(p) for p in parts]}")
    return wrong
