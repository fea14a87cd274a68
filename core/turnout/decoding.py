"""The base of decoders, which turn the bytes of an answer into events. No I/O.

A protocol's decoder reads single events. The base splits the bytes into events, handles
bodies that are not a stream (an error document, a proxy's HTML page), keeps a fault
until the events before it are returned, and checks whether the answer is complete.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from turnout._event_size import EventSize
from turnout._pieces import Pieces
from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.framing import (
    MAX_EVENT_BYTES,
    EventTooLongError,
    FramingError,
    LineSplitter,
    SseSplitter,
)
from turnout.types import (
    Event,
    Finish,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)

if TYPE_CHECKING:
    from turnout._surrogates import SurrogateJoiner

__all__ = [
    "Decoder",
    "LineDecoder",
    "OddEventError",
    "Pieces",
    "SseDecoder",
    "as_count",
    "as_list",
    "as_mapping",
    "as_text",
    "is_error",
]

MAX_ERROR_BYTES = 64 * 1024
"""How many bytes are read of an error, or of a page in place of an answer."""

_PAGE = "sent a page in place of an answer; check base_url"

# Comparing `type(value)` with it is the fastest check.
_OBJECT: type[dict[str, Any]] = dict

_Fields: TypeAlias = dict[str, Any]

# White space, and a byte order mark, which may come first.
_BLANK = b" \t\r\n\xef\xbb\xbf"


class OddEventError(Exception):
    """An event does not match the protocol; the message says how: `has no text`."""


@cache
def _json_reader() -> Callable[..., Any]:
    # Not imported with the module, which listings load too. Cached, because an import
    # statement costs a stream more than reading an event.
    from pydantic_core import from_json

    return from_json


class Decoder(ABC):
    """Turn the bytes of an answer into events.

    `feed` never raises, so that the events before a fault are returned however the
    network cut the bytes. After the end, `reported` and `check` give the error.

    A protocol's decoder writes `read` and `finish`, and sets `ended`, `done` and
    `usage` while it reads with `from_json`. It inherits from `SseDecoder` or
    `LineDecoder`, which split bytes into events.

    Args:
        provider: The provider's name, for errors.
        request_id: The provider's id of the request.
    """

    end: ClassVar[str] = "its last event"
    """What ends an answer, for the error if it is missing."""

    documents: ClassVar[bytes] = b"<"
    """The first bytes of a body that is not a stream."""

    ends_with_body: ClassVar[bool] = False
    """Whether the protocol lacks a mark for the end of an answer. Then the end of a
    framed body ends it, see `framed`."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        self.from_json = _json_reader()
        """pydantic-core's, which is not imported with the module."""
        self.provider = provider
        self.request_id = request_id
        self.max_event_bytes = MAX_EVENT_BYTES
        """How many bytes one event may have, or a document; see `limit`."""
        # The pieces of a body that is not a stream; None for a stream.
        self._document: list[bytes] | None = None
        self._length = 0
        self._size = EventSize(MAX_EVENT_BYTES)
        # Whether that body is an HTML page.
        self._page = False
        self._begun = False
        self._fault: str | None = None
        # The events of the current call of `read`, and how many of them came before
        # the answer's end; None without an end.
        self._batch: list[Event] = []
        self._ended_at: int | None = None
        self.framed = False
        """Whether the end of the body proves that the body is complete. Set before
        `close`, for a decoder that `ends_with_body`."""
        self.closed = False
        """Whether the body is at its end."""
        self.done = False
        """Whether reading can stop: the end mark has come, or a fault."""
        self.usage: Usage | None = None
        """The tokens of the answer, returned at its end."""
        self.reported: bytes | None = None
        """The error that the service reported in place of an answer, or inside one."""
        # Made when one half of a surrogate pair has come.
        self._surrogates: SurrogateJoiner | None = None

    @property
    def ended(self) -> bool:
        """Whether the answer has ended: by a finish reason, an end mark, or a fault.

        `read` sets it after it has added the events before the end. A delta that it
        adds afterwards resets it, unless `done` is set too.
        """
        return self._ended_at is not None

    @ended.setter
    def ended(self, ended: bool) -> None:
        self._ended_at = len(self._batch) if ended else None

    @abstractmethod
    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read the data of each event, and add the events of the answer to `events`.

        Raises:
            OddEventError: An event does not match the protocol. The events that were
                added before it are returned.
        """

    def complete(self, events: list[Event]) -> None:
        """Add the last events of a complete answer; by default, none.

        Called once, before `finish`.
        """
        del events

    @abstractmethod
    def finish(self) -> Finish:
        """Return the end of the answer. Called once, if the answer is complete."""

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a body that is one JSON document; by default, report it as an error.

        A service may answer with a document although the request asks for a stream. A
        decoder for it reads the answer here, and sets `ended`.

        Raises:
            OddEventError: It does not match the protocol.
        """
        del value
        self.report(document)
        return []

    def is_whole(self, data: bytes) -> bool:
        """Return whether the last event, which lacks its end, is complete."""
        try:
            self.from_json(data)
        except ValueError:
            return self.read_leniently(data) is not None
        return True

    def end_with_body(self) -> None:
        """Handle the end of a framed body; by default it ends the answer."""
        self.ended = True

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one event may have; called before `feed`."""
        self.max_event_bytes = max_event_bytes
        self._size = EventSize(max_event_bytes)

    def read_leniently(self, data: bytes) -> object | None:
        """Read JSON that `from_json` refuses because of half a surrogate pair.

        Services cut text at any place, also between the two halves of a pair. The
        halves are joined across events; a single one becomes U+FFFD.

        Returns:
            The value; None if it is still not JSON.
        """
        from turnout._surrogates import SurrogateJoiner, lenient_json

        value = lenient_json(data)
        if value is not None and self._surrogates is None:
            self._surrogates = SurrogateJoiner()
        return value

    def report(self, data: bytes) -> None:
        """Record an error that the service reports; bytes after it are ignored."""
        self.reported = data[:MAX_ERROR_BYTES]
        self.ended = self.done = True

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""
        if not self._begun:
            data = self._begin(data)
        if self._document is not None:
            self._collect(data)
            return []
        try:
            datas = self.split(data)
        except FramingError as error:
            return self._unframed(error)
        given = self._read(datas)
        if self._surrogates is not None:
            given = self._surrogates.join(given)
        return [*given, *self.close()] if self.done else given

    def _unframed(self, error: FramingError) -> list[Event]:
        """Record a fault of the framing; return the events before it."""
        given = self._read(list(error.events)) if error.events else []
        if self._surrogates is not None:
            given = self._surrogates.join(given)
        if not self.done:
            if not isinstance(error, EventTooLongError):
                self._break(f"sent bytes that are not of its protocol: {error}")
            elif not self._report_beginning(error.beginning.removeprefix(b"data:")):
                self._break(f"sent too much at once: {error}; set max_event_bytes")
        return [*given, *self.close()]

    def close(self) -> list[Event]:
        """Handle the end of the body; return the remaining events.

        A last event that lacks its end counts if its data is complete.
        """
        if self.closed:
            return []
        self.closed = True
        events: list[Event] = []
        if not self.done:
            if self._document is not None:
                events = self._read_document(b"".join(self._document))
            else:
                last = self.rest()
                if last and self.is_whole(last):
                    events = self._read([last])
                if self.framed and self._is_open():
                    self.end_with_body()
        failed = self.reported is not None or self._fault is not None
        whole = self._ended_at is not None and not failed
        if whole:
            self.complete(events)
        if self._surrogates is not None:
            events = [*self._surrogates.join(events), *self._surrogates.release()]
        if self.usage is not None:
            events.append(self.usage)
        if whole:
            finish = self.finish()
            if self._surrogates is not None:
                finish = self._surrogates.repaired(finish)
            events.append(finish)
        return events

    def check(self) -> None:
        """Check that the answer is complete. Called after `close`.

        Raises:
            ProtocolError: The body does not match the protocol.
            StreamTruncatedError: The answer's end did not come.
        """
        if self._fault is not None:
            raise ProtocolError(
                f"{self.provider} {self._fault}", request_id=self.request_id
            )
        if self._ended_at is None:
            raise StreamTruncatedError(
                f"{self.provider}'s answer ended without {self.end}",
                request_id=self.request_id,
            )

    @abstractmethod
    def split(self, data: bytes) -> list[bytes]:
        """Return the data of the events that `data` completes.

        Raises:
            FramingError: The bytes cannot be split; the answer's error has its message.
            EventTooLongError: An event is longer than `max_event_bytes`.
        """

    @abstractmethod
    def rest(self) -> bytes:
        """Return the data of a last event that lacks its end."""

    def _is_open(self) -> bool:
        """Return whether events have begun, without a fault or a document."""
        return self._begun and not self.done and self._document is None

    def _begin(self, data: bytes) -> bytes:
        """Check the first byte, which distinguishes a stream from a document or page.

        Returns:
            The data to read.
        """
        begin = data.lstrip(_BLANK)[:1]
        if begin:
            self._begun = True
            if begin in self.documents:
                self._begin_document(begin)
        return data

    def _begin_document(self, begin: bytes) -> None:
        self._document = []
        self._page = begin == b"<"

    def _collect(self, data: bytes) -> None:
        document = self._document
        assert document is not None
        document.append(data)
        self._length += len(data)
        if self._page:
            if self._length > MAX_ERROR_BYTES:
                self._break(_PAGE)
        elif self._size.is_too_long(self._length, document):
            if not self._report_beginning(b"".join(document)[:MAX_ERROR_BYTES]):
                self._break("sent too much in place of an answer; set max_event_bytes")

    def _report_beginning(self, beginning: bytes) -> bool:
        """Report a body that is too long to be read completely, if it is an error.

        Args:
            beginning: Its beginning, which may end anywhere.
        """
        beginning = beginning.lstrip(_BLANK)
        try:
            value: object = self.from_json(beginning, allow_partial=True)
        except ValueError:
            return False
        if not is_error(value):
            return False
        self.report(beginning)
        return True

    def _read_document(self, document: bytes) -> list[Event]:
        document = document.lstrip(_BLANK)
        if self._page:
            self._break(_PAGE)
            return []
        try:
            value: object = self.from_json(document)
        except ValueError as error:
            value = self.read_leniently(document)
            if value is None:
                # It is truncated, which is not a fault: `check` reports it.
                if "EOF while parsing" not in str(error):
                    self._break("sent a body that is not JSON")
                return []
        try:
            return self.read_document(value, document)
        except OddEventError as error:
            self._break(f"sent a body that {error}")
            return []

    def _read(self, datas: list[bytes]) -> list[Event]:
        events: list[Event] = []
        self._batch = events
        fault = None
        try:
            self.read(datas, events)
        except OddEventError as error:
            fault = f"sent an event that {error}"
        if self._ended_at is not None and not self.done:
            # A delta after the finish reason means that the answer has not ended.
            continued = any(map(_is_delta, events[self._ended_at :]))
            self._ended_at = None if continued else 0
        if fault is not None:
            self._break(fault)
        return events

    def _break(self, fault: str) -> None:
        # A fault after the end of the answer is ignored.
        if self._ended_at is None:
            self._fault = fault
        self.ended = self.done = True


class SseDecoder(Decoder):
    """Decode an answer that is a stream of server-sent events, whatever their names."""

    # No event begins with the first byte of JSON or of a page.
    documents = b"{[<"

    documents_within: ClassVar[bytes] = b""
    """The first bytes of a document after events, if the service may send one."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._splitter = SseSplitter(documents=self.documents_within)

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one event may have; called before `feed`."""
        super().limit(max_event_bytes)
        self._splitter = SseSplitter(max_event_bytes, self.documents_within)

    def split(self, data: bytes) -> list[bytes]:
        """Return the data of the events that `data` completes."""
        datas = self._splitter.feed_data(data)
        document = self._splitter.document
        if document is not None:
            self._begin_document(document[:1])
            self._collect(document)
        return datas

    def rest(self) -> bytes:
        """Return the data of a last event that lacks its blank line."""
        last = self._splitter.close()
        return b"" if last is None else last.data


class LineDecoder(Decoder):
    """Decode an answer that is a sequence of lines; skip blank ones."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._splitter = LineSplitter()

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one event may have; called before `feed`."""
        super().limit(max_event_bytes)
        self._splitter = LineSplitter(max_event_bytes)

    def _begin(self, data: bytes) -> bytes:
        # Otherwise a byte order mark would be part of the first line.
        return super()._begin(data).lstrip(_BLANK)

    def split(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes."""
        return list(filter(bytes.strip, self._splitter.feed(data)))

    def rest(self) -> bytes:
        """Return the bytes after the last line feed."""
        return self._splitter.close().strip()

    def begin_document(self, lines: list[bytes]) -> None:
        """Read these lines and all bytes after them as one document, `read_document`.

        For JSON that is written over several lines, such as a proxy's error.

        Args:
            lines: The last lines that `read` got.
        """
        self._begin_document(lines[0][:1])
        self._collect(b"\n".join([*lines, self._splitter.close()]))


def _is_delta(event: Event) -> bool:
    if isinstance(event, str):
        return bool(event)
    return isinstance(event, ReasoningDelta | ToolCallDelta | MediaDelta)


_PARTS = ("choices", "candidates", "output", "content", "delta", "done", "response")
"""Fields of an answer, or of a part of one. With any of them, it is not an error."""

_MESSAGES = ("message", "msg", "detail", "error_msg", "error_message", "errmsg")
"""Fields of an error that is not under `error`."""

_SUCCESS = (0, 200, "0", "200", "ok", "success")
"""Codes of a body that is not an error."""


def is_error(value: object) -> bool:
    """Return whether JSON is a service's error and not a part of an answer.

    For a body that is not a stream, and for an event without any field that the
    protocol knows. Services send errors with status 200 under `error` or `errors`, with
    `success: false`, as `{"code": 401, "msg": ...}`, and in `base_resp` (MiniMax).
    """
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), None)
    if not isinstance(value, dict):
        return False
    fields = cast("_Fields", value)
    if fields.get("error") or fields.get("errors") or fields.get("success") is False:
        return True
    if "error" in (fields.get("type"), fields.get("object"), fields.get("event")):
        return True
    base = fields.get("base_resp")
    if isinstance(base, dict) and cast("_Fields", base).get("status_code"):
        return True
    if any(fields.get(name) is not None for name in _PARTS):
        return False
    code = fields.get("code")
    has_message = any(isinstance(fields.get(name), str | list) for name in _MESSAGES)
    return (has_message or isinstance(code, int)) and code not in _SUCCESS


def as_mapping(value: object, what: str) -> dict[str, Any]:
    """Return a value that has to be a JSON object.

    Args:
        value: The value that was sent.
        what: Its name, for the message.

    Raises:
        OddEventError: It is something else.
    """
    if not isinstance(value, dict):
        raise OddEventError(f"has a {type(value).__name__} for {what}")
    return cast("dict[str, Any]", value)


def as_list(value: object, what: str) -> list[object]:
    """Return a value that has to be a list.

    Args:
        value: The value that was sent.
        what: Its name, for the message.

    Raises:
        OddEventError: It is something else.
    """
    if not isinstance(value, list):
        raise OddEventError(f"has a {type(value).__name__} for {what}")
    return cast("list[object]", value)


def as_text(value: object, what: str) -> str:
    """Return a value that has to be a text.

    Args:
        value: The value that was sent.
        what: Its name, for the message.

    Raises:
        OddEventError: It is something else.
    """
    if not isinstance(value, str):
        raise OddEventError(f"has a {type(value).__name__} for {what}")
    return value


def as_count(fields: object, name: str) -> int | None:
    """Return a count of tokens among `fields`; None without one.

    A value that is not a count, such as a negative number, is ignored, because the
    answer does not depend on it.
    """
    if type(fields) is not _OBJECT:
        return None
    count = fields.get(name)
    return count if type(count) is int and count >= 0 else None
