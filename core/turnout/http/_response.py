"""A response, read while it arrives."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, cast

from turnout._watchdog import Watchdog
from turnout.errors import ProtocolError, StreamStalledError, TurnoutError
from turnout.framing import (
    EventTooLongError,
    LineSplitter,
    ServerSentEvent,
    SseSplitter,
)
from turnout.http import _failures, _transport
from turnout.types import Secret

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Response"]

_REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-generation-id",
    "x-amzn-requestid",
)

_TURN = 64 * 1024
"""After this many bytes, reading yields to the event loop. A few compressed kilobytes
may be many megabytes, which can be read without waiting for the network."""


class Response:
    """A server's response, read while it arrives. `Http` makes and closes it.

    Args:
        raw: aiohttp's response.
        place: The host, for messages.
        idle_timeout: Seconds without a byte.
        max_bytes: How many bytes the body may have, decompressed.
        max_event_bytes: How many bytes one event, or a JSON body, may have.
        request_headers: The request's headers, as they were sent.
    """

    def __init__(
        self,
        raw: aiohttp.ClientResponse,
        place: str,
        idle_timeout: float,
        max_bytes: int,
        max_event_bytes: int,
        request_headers: Mapping[str, str | Secret],
    ) -> None:
        self._raw = raw
        self._place = place
        self._idle_timeout = idle_timeout
        self._max_bytes = max_bytes
        self._max_event_bytes = max_event_bytes
        self._chunks: _Chunks | None = None
        self.status = raw.status
        self.request_headers = request_headers

    @property
    def url(self) -> str:
        """The address of the request."""
        return str(self._raw.url)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case names."""
        return {name.lower(): value for name, value in self._raw.headers.items()}

    @property
    def request_id(self) -> str | None:
        """The provider's id of the request; None if it gave none."""
        headers = self._raw.headers
        for name in _REQUEST_IDS:
            if name in headers:
                return headers[name]
        return None

    @property
    def framed(self) -> bool:
        """Whether the end of the body can be distinguished from a lost connection.

        That needs a length or chunks. Without them, or compressed, a truncated body
        looks like a complete one.
        """
        headers = self._raw.headers
        return (
            "Content-Length" in headers
            or "chunked" in headers.get("Transfer-Encoding", "").lower()
        ) and "Content-Encoding" not in headers

    @property
    def ended(self) -> bool:
        """Whether the body has been read to its end."""
        return self._raw.content.at_eof()

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        self._raw.close()
        if self._chunks is not None:
            self._chunks.end()

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body in pieces as they arrive.

        After a cancellation, the connection is closed with the response.

        Raises:
            StreamTruncatedError: The connection ended before the body did.
            StreamStalledError: No byte arrived for `idle_timeout`.
            ProtocolError: The body is not valid HTTP, or has too many bytes.
        """
        if self._chunks is not None:
            self._chunks.end()
        self._chunks = _Chunks(
            self._raw.content, self._place, self._idle_timeout, self._max_bytes
        )
        return self._chunks

    def hurry(self, seconds: float) -> None:
        """Limit the rest of `chunks` to `seconds` from now.

        If it takes longer, `chunks` raises `StreamStalledError`.
        """
        if self._chunks is not None:
            self._chunks.hurry(seconds)

    async def sse(self) -> AsyncIterator[ServerSentEvent]:
        """Iterate over the body's server-sent events.

        A last event that lacks its blank line is yielded too, if it has data. The
        protocol's decoder has to check whether the answer is complete.

        Raises:
            ProtocolError: An event is too long.
            TurnoutError: As `chunks` does.
        """
        splitter = SseSplitter(self._max_event_bytes)
        chunk = b""
        event: ServerSentEvent | None = None
        try:
            async for chunk in self.chunks():
                for event in splitter.feed(chunk):
                    yield event
            event = splitter.close()
            if event is not None:
                yield event
        except EventTooLongError as error:
            failure = self._too_long(error)
        else:
            return
        finally:
            del chunk, event  # Tracebacks may show the locals.
        raise failure

    async def json_lines(self) -> AsyncIterator[object]:
        """Iterate over the body's lines, each read as JSON; skip blank ones.

        Raises:
            ProtocolError: A line is not valid JSON, or is too long.
            TurnoutError: As `chunks` does.
        """
        from pydantic_core import from_json

        splitter = LineSplitter(self._max_event_bytes)
        chunk = line = b""
        try:
            async for chunk in self.chunks():
                for line in splitter.feed(chunk):
                    if line and not line.isspace():
                        yield cast("object", from_json(line, allow_inf_nan=False))
            line = splitter.close()
            if line and not line.isspace():
                yield cast("object", from_json(line, allow_inf_nan=False))
        except EventTooLongError as error:
            failure = self._too_long(error)
        except ValueError:
            failure = ProtocolError(f"{self._place} sent a line that is not valid JSON")
        else:
            return
        finally:
            del chunk, line  # Tracebacks may show the locals.
        raise failure

    def _too_long(self, error: EventTooLongError) -> ProtocolError:
        return ProtocolError(f"{self._place}: {error}; set max_event_bytes")

    async def json(self, *, max_bytes: int | None = None) -> object:
        """Return the whole body, read as JSON.

        Args:
            max_bytes: How many bytes it may have; None means `max_event_bytes`. The
                event loop waits while the JSON is parsed.

        Raises:
            ProtocolError: It is not valid JSON, or too long.
            TurnoutError: As `chunks` does.
        """
        from pydantic_core import from_json

        most = max_bytes or self._max_event_bytes
        body = bytearray()
        chunk = b""
        failure = ProtocolError(
            f"{self._place} sent JSON of more than {most} bytes; set max_event_bytes"
        )
        try:
            async for chunk in self.chunks():
                body += chunk
                if len(body) > most:
                    break
            else:
                return cast("object", from_json(body, allow_inf_nan=False))
        except ValueError:
            failure = ProtocolError(f"{self._place} sent a body that is not valid JSON")
        finally:
            del body, chunk  # Tracebacks may show the locals.
        raise failure

    async def finish(self, seconds: float) -> None:
        """Read to the body's end, so that the connection can be used again.

        Call it after the protocol's end mark. Bytes after the mark are dropped, and
        errors are ignored. If the end does not come in time, the connection is closed
        with the response.

        Args:
            seconds: How long that may take. The reader waits for it, so keep it short.
        """
        content = self._raw.content
        if content.at_eof() or content.exception() is not None:
            return
        with contextlib.suppress(*_failures.ERRORS):
            async with asyncio.timeout(seconds):
                while await content.readany():
                    pass

    async def read_some(self, max_bytes: int, seconds: float) -> bytes:
        """Return the beginning of the body, as much as arrives.

        An error ends it without being raised. This is for the bodies of refusals, whose
        status matters more than their body.

        Args:
            max_bytes: How many bytes are read at most.
            seconds: How long reading may take.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(seconds):
                while len(body) < max_bytes:
                    data = await self._raw.content.read(max_bytes - len(body))
                    if not data:
                        break
                    body += data
        except _failures.ERRORS:
            body += _transport.unread(self._raw.content)[: max_bytes - len(body)]
        return bytes(body)


class _Chunks:
    """The pieces of a body; a class, because an async generator costs more to start."""

    __slots__ = (
        "_content",
        "_failure",
        "_idle",
        "_left",
        "_place",
        "_silence",
        "_turn",
        "_until",
    )

    def __init__(
        self, content: aiohttp.StreamReader, place: str, idle: float, max_bytes: int
    ) -> None:
        self._content = content
        self._place = place
        self._idle = idle
        self._left = max_bytes
        # When this many bytes are left, reading yields to the event loop.
        self._turn = max_bytes - _TURN
        self._failure: TurnoutError | None = None
        # The timer of the waits, from the first one on.
        self._silence: _Silence | None = None
        # The end of all waits, by the loop's clock.
        self._until = math.inf

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        if self._left <= self._turn:
            self._turn = self._left - _TURN
            await asyncio.sleep(0)
        try:
            # What is buffered, the end too, needs neither a coroutine nor a timer.
            content = self._content
            # A body without bytes has no size, with aiohttp's parser in Python.
            size: int = getattr(content, "_size", 0)
            data = content.read_nowait(_TURN if size > _TURN else -1)
            if not data and not content.at_eof():
                data = await self._wait()
        except Exception as error:  # noqa: BLE001 `_failed` raises all but HTTP's.
            data = self._failed(error)
        if data:
            self._left -= len(data)
            if self._left >= 0:
                return data
            data = b""  # Tracebacks may show the locals.
            self._failure = ProtocolError(
                f"{self._place} sent more bytes than max_bytes allows"
            )
        self.end()
        # Outside the handler: see `Http.send`.
        raise self._failure or StopAsyncIteration

    async def _wait(self) -> bytes:
        silence = self._silence
        if silence is None:
            late = f"no byte of its answer within idle_timeout={self._idle:g} s"
            if self._until < math.inf:
                late = "its answer did not end in time"
            silence = _Silence(self._content, f"{self._place} stalled: {late}")
            self._silence = silence
        silence.watch(min(silence.now() + self._idle, self._until))
        try:
            return await self._content.readany()
        finally:
            silence.rest()
            self._turn = self._left - _TURN

    def hurry(self, seconds: float) -> None:
        """End each wait `seconds` from now at the latest."""
        self._until = asyncio.get_running_loop().time() + seconds
        self.end()
        self._silence = None

    def end(self) -> None:
        """Stop the timer."""
        if self._silence is not None:
            self._silence.unwatch()

    def _failed(self, error: Exception) -> bytes:
        """Keep the error until the bytes before it have been returned."""
        if not isinstance(error, _failures.ERRORS):
            raise error
        self._failure = _failures.body_error(error, self._place)
        return _transport.unread(self._content)


class _Silence(Watchdog):
    """The timer of a wait for bytes."""

    __slots__ = ("_content", "_message")

    def __init__(self, content: aiohttp.StreamReader, message: str) -> None:
        super().__init__(asyncio.get_running_loop())
        self._content = content
        self._message = message

    def expire(self) -> None:
        """Raise the error in the reader."""
        self._content.set_exception(StreamStalledError(self._message))
