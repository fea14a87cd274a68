"""A FlowGPT service on loopback that refuses what the real one would not understand.

    async with FlowGptServer(Answer(pieces=("Par", "is"), noise=True)) as server:
        ...  # ask it at server.base_url

    assert server.refusals == []

Each request that keeps the rules of `flowgpt_rules` takes the next answer; the last
answer repeats.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from typing_extensions import override

from turnout.testing import (
    CHUNKED,
    Connection,
    HttpRequest,
    LoopbackServer,
    response_head,
)
from turnout.testing._slicing import Slicing, by_size, whole

from .flowgpt_rules import Refusal, Rules, parse_body

Framing: TypeAlias = Literal["chunked", "content-length", "close"]
ContentEncoding: TypeAlias = Literal["identity", "gzip", "deflate"]

PIECES = ("The", " capital of", "", " France is:\n", "Paris \u2028 \U0001f5fc é", ".")
"""A default answer, with what line splitters and slow decoders stumble over."""

# zlib's window bits: 31 is a gzip member, 15 the zlib format that HTTP calls deflate.
_WINDOW_BITS = {"gzip": 31, "deflate": 15}

_NOISE = (
    b'{"event":"metadata","data":{"id":"7b2"}}',
    b'{"data":"no event"}',
    b"",
    b"{}",
    b'{"event":null,"data":"null event"}',
    b'{"event":"Text","data":"another case"}',
    b"",
)


@final
@dataclass(frozen=True, kw_only=True)
class Answer:
    """A reply of status 200: what it says and how it goes over the wire."""

    pieces: Sequence[str | bytes] = PIECES
    """The pieces of the answer; `bytes` stand for a whole line as it is."""
    framing: Framing = "chunked"
    """`close` declares no length: the end of the connection ends the body."""
    noise: bool = False
    """Whether lines to be passed over stand around each piece."""
    newline: bytes = b"\n"
    final_newline: bool = True
    """Whether a newline follows the last line, which else is that of the last piece."""
    content_type: str = "text/plain; charset=utf-8"
    content_encoding: ContentEncoding = "identity"
    chunk_size: int | None = None
    """Bytes of body in a chunk; None: what belongs to a piece is one chunk."""
    slicing: Slicing = whole
    """How the bytes, framing included, are cut into writes."""
    holds: Mapping[int, asyncio.Event] = field(default_factory=dict[int, asyncio.Event])
    """Events to wait for before a piece, by its index; `len(pieces)` is the end."""
    cut_after: int | None = None
    """End the connection after so many bytes of `wire()`; `head()` is a part of it."""
    cut_by: Literal["fin", "rst"] = "fin"

    @property
    def text(self) -> str:
        """The text that a client must get from the whole answer."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    def head(self) -> bytes:
        """Return the status line and headers."""
        headers = [("Content-Type", self.content_type)]
        if self.content_encoding != "identity":
            headers.append(("Content-Encoding", self.content_encoding))
        match self.framing:
            case "chunked":
                headers.append(CHUNKED)
            case "content-length":
                headers.append(("Content-Length", str(len(b"".join(self._parts())))))
            case "close":
                headers.append(("Connection", "close"))
        return response_head(200, *headers)

    def wire(self) -> bytes:
        """Return the whole reply as it would be without a cut."""
        return b"".join(data for _, data in self._segments())

    def writes(self) -> Iterator[tuple[asyncio.Event | None, bytes]]:
        """Yield the bytes up to the cut, each part with what it must wait for."""
        joined: list[tuple[asyncio.Event | None, bytes]] = []
        for hold, data in self._segments():
            if hold is None and joined:
                data = joined[-1][1] + data
                hold = joined.pop()[0]
            joined.append((hold, data))
        left = len(self.wire()) if self.cut_after is None else self.cut_after
        for hold, data in joined:
            yield hold, data[:left]
            left -= len(data)
            if self.cut_after is not None and left <= 0:
                return

    def _segments(self) -> Iterator[tuple[asyncio.Event | None, bytes]]:
        yield None, self.head()
        for index, part in enumerate(self._parts()):
            yield self.holds.get(index), self._framed(part)
        end = b"0\r\n\r\n" if self.framing == "chunked" else b""
        yield self.holds.get(len(self.pieces)), end

    def _framed(self, part: bytes) -> bytes:
        if self.framing != "chunked":
            return part
        cut = whole if self.chunk_size is None else by_size(self.chunk_size)
        return b"".join(b"%x\r\n%b\r\n" % (len(data), data) for data in cut(part))

    def _parts(self) -> list[bytes]:
        """Return the body, a part for each piece."""
        noise = _NOISE if self.noise else ()
        parts = [self._lines([*noise, _line(piece)]) for piece in self.pieces]
        if not parts:
            return []
        if self.final_newline:
            parts[-1] += self._lines(noise)
        else:
            parts[-1] = parts[-1].removesuffix(self.newline)
        return _encoded(parts, self.content_encoding)

    def _lines(self, lines: Iterable[bytes]) -> bytes:
        return b"".join(line + self.newline for line in lines)


@final
@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    """A reply of another status, with a body of declared length."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()


def json_status(
    status: int, message: str = "no", *, retry_after: str | None = None
) -> StatusAnswer:
    """Return a refusal with a JSON body, and `Retry-After` where it is given."""
    headers = [("Content-Type", "application/json")]
    if retry_after is not None:
        headers.append(("Retry-After", retry_after))
    body = json.dumps({"error": {"message": message}}).encode()
    return StatusAnswer(status=status, body=body, headers=headers)


def html_status(status: int, title: str) -> StatusAnswer:
    """Return a page such as a proxy or a bot shield answers with."""
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head></html>".encode()
    return StatusAnswer(
        status=status, body=body, headers=[("Content-Type", "text/html")]
    )


@final
@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that kept every rule."""

    http: HttpRequest
    body: Mapping[str, object]

    def header(self, name: str) -> str:
        """Return a header that the rules made sure of."""
        return self.http.values(name)[0]


@final
class FlowGptServer(LoopbackServer):
    """Answers at `base_url` as FlowGPT is described to, and refuses all else.

    A refusal is a JSON body with the status of the first broken rule. Connections are
    kept open between requests.
    """

    def __init__(
        self,
        *answers: Answer | StatusAnswer,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.requests: list[ReceivedRequest] = []
        """The requests that were answered, in order."""
        self.refusals: list[Refusal] = []
        """Every rule that a request broke, in order."""
        self._answers = answers or (Answer(),)
        self._rules = rules or Rules()
        self._clock = clock

    @property
    def base_url(self) -> str:
        """What stands for the service's own address."""
        return self.url

    @override
    async def serve(self, connection: Connection) -> None:
        """Answer the requests of a connection until it ends."""
        keep = True
        while keep:
            request = await connection.read_request()
            refusals = self._rules.refusals(request, self._clock())
            if refusals:
                self.refusals += refusals
                await _send_status(connection, _refusal_answer(refusals))
                continue
            index = min(len(self.requests), len(self._answers) - 1)
            self.requests.append(ReceivedRequest(request, parse_body(request.body)))
            answer = self._answers[index]
            if isinstance(answer, StatusAnswer):
                await _send_status(connection, answer)
            else:
                keep = await _send_answer(connection, answer)


async def _send_status(connection: Connection, answer: StatusAnswer) -> None:
    length = ("Content-Length", str(len(answer.body)))
    head = response_head(answer.status, *answer.headers, length)
    await connection.send(head + answer.body)


async def _send_answer(connection: Connection, answer: Answer) -> bool:
    """Send an answer and say whether the connection can take another request."""
    for hold, data in answer.writes():
        if hold is not None:
            await hold.wait()
        for piece in answer.slicing(data):
            await connection.send(piece)
    if answer.cut_after is not None and answer.cut_by == "rst":
        await connection.reset()
    return answer.cut_after is None and answer.framing != "close"


def _refusal_answer(refusals: Sequence[Refusal]) -> StatusAnswer:
    return json_status(refusals[0].status, "; ".join(r.reason for r in refusals))


def _line(piece: str | bytes) -> bytes:
    if isinstance(piece, bytes):
        return piece
    # As browsers' servers write it: characters, not escapes, so that a read may end
    # inside of one.
    return json.dumps({"event": "text", "data": piece}, ensure_ascii=False).encode()


def _encoded(parts: list[bytes], encoding: ContentEncoding) -> list[bytes]:
    """Compress a body part by part, so that each can be decoded as it comes."""
    if encoding == "identity":
        return parts
    coder = zlib.compressobj(wbits=_WINDOW_BITS[encoding])
    encoded = [coder.compress(part) + coder.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    encoded[-1] += coder.flush()
    return encoded
