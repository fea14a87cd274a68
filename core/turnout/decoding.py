"""What the decoders of answers have in common: from bytes to events. No I/O.

A protocol says what one of its events means; what is here cuts the bytes into events,
meets what is no stream at all (an error document, a proxy's page), keeps faults until
what came before them was given out, and tells whether the answer is complete.
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
"""How much is read of an error, or of a page that came in place of an answer."""

_PAGE = "sent a page in place of an answer; check base_url"

# To be compared with, which is the fastest check there is.
_OBJECT: type[dict[str, Any]] = dict

_Fields: TypeAlias = dict[str, Any]

# A byte order mark may stand before anything.
_BLANK = b" \t\r\n\xef\xbb\xbf"


class OddEventError(Exception):
    """An event is not of the protocol; the message says how, as in `has no text`."""


@cache
def _json_reader() -> Callable[..., Any]:
    # Not with the module, which listings load too; and once, as an import statement
    # costs a stream more than reading an event.
    from pydantic_core import from_json

    return from_json


class Decoder(ABC):
    """Turn the bytes of an answer into events.

    It never raises while it is fed, so that what came before a fault is given out
    however the network cut the bytes: `reported` and `check` tell of it in the end.

    A protocol writes `read` and `finish`, and sets `ended`, `done` and `usage` as it
    reads with `from_json`. It is made from `SseDecoder` or `LineDecoder`, which
    say how bytes are cut into events.

    Args:
        provider: The provider's name, for errors.
        request_id: The provider's own name for the request.
    """

    end: ClassVar[str] = "its last event"
    """What ends an answer, for the error of one that lacks it."""

    documents: ClassVar[bytes] = b"<"
    """The first bytes of a body that is no stream."""

    ends_with_body: ClassVar[bool] = False
    """Whether the protocol has no mark for the end of an answer. Then the end of a
    framed body ends it, see `framed`."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        self.from_json = _json_reader()
        """pydantic-core's, which is not imported with the module."""
        self.provider = provider
        self.request_id = request_id
        self.max_event_bytes = MAX_EVENT_BYTES
        """How many bytes one event may have, or a document; see `limit`."""
        # What came in place of events; None while that may still be events.
        self._document: list[bytes] | None = None
        self._length = 0
        self._size = EventSize(MAX_EVENT_BYTES)
        # Whether that is a page for people.
        self._page = False
        self._begun = False
        self._fault: str | None = None
        # What the present call of `read` adds to, and how much of it came before the
        # answer's end; None without an end.
        self._batch: list[Event] = []
        self._ended_at: int | None = None
        self.framed = False
        """Whether the end of the body proves that the body is whole. Set before
        `close`, for a decoder that `ends_with_body`."""
        self.closed = False
        """Whether the body is at its end."""
        self.done = False
        """Whether nothing is worth reading any more: the mark has come, or a fault."""
        self.usage: Usage | None = None
        """What the answer cost, given out at its end."""
        self.reported: bytes | None = None
        """The error that the service reported in place of an answer, or inside one."""
        # Made when half of a surrogate pair has come.
        self._surrogates: SurrogateJoiner | None = None

    @property
    def ended(self) -> bool:
        """Whether the answer's end has come: a reason for it, a mark, or a fault.

        `read` sets it after it has added what came before the end. A delta that it adds
        afterwards takes the end back, unless `done` is set too.
        """
        return self._ended_at is not None

    @ended.setter
    def ended(self, ended: bool) -> None:
        self._ended_at = len(self._batch) if ended else None

    @abstractmethod
    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read what each event says, and add what it brings to `events`.

        Raises:
            OddEventError: An event is not of the protocol. What was added before it
                is given out.
        """

    def complete(self, events: list[Event]) -> None:
        """Add what is missing from a complete answer: by default, nothing.

        Called once, before `finish`.
        """
        del events

    @abstractmethod
    def finish(self) -> Finish:
        """Return the answer's end. Called once, of an answer that is complete."""

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a body that is no stream and whole JSON: an error, if nothing else.

        A protocol whose services answer so in spite of the request reads that here,
        and sets `ended`.

        Raises:
            OddEventError: It is not of the protocol.
        """
        del value
        self.report(document)
        return []

    def is_whole(self, data: bytes) -> bool:
        """Tell whether the last event is whole, which the end of the body cut off."""
        try:
            self.from_json(data)
        except ValueError:
            return self.read_leniently(data) is not None
        return True

    def end_with_body(self) -> None:
        """Take the end of a framed body; by default it is the end of the answer."""
        self.ended = True

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one event may have; called before `feed`."""
        self.max_event_bytes = max_event_bytes
        self._size = EventSize(max_event_bytes)

    def read_leniently(self, data: bytes) -> object | None:
        """Read JSON that `from_json` refuses because of half a surrogate pair.

        Services cut text between the two halves of a pair, or at any place. The halves
        are joined over events; one that stays alone becomes U+FFFD.

        Returns:
            The value; None if it is not JSON all the same.
        """
        from turnout._surrogates import SurrogateJoiner, lenient_json

        value = lenient_json(data)
        if value is not None and self._surrogates is None:
            self._surrogates = SurrogateJoiner()
        return value

    def report(self, data: bytes) -> None:
        """Take an error that the service reports: nothing after it counts."""
        self.reported = data[:MAX_ERROR_BYTES]
        self.ended = self.done = True

    def feed(self, data: bytes) -> list[Event]:
        """Return what the events ended by `data` bring."""
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
        """Take a fault of the framing; return what the events before it bring."""
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
        """Take the end of the body; return what is still to be given.

        An event that the end cut off counts where it is whole all the same.
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
        """Make sure that the answer is complete. Called after `close`.

        Raises:
            ProtocolError: What came is not of the protocol.
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
        """Return the events that `data` ends, undecoded.

        Raises:
            FramingError: The bytes cannot be split; the error of the answer has its
                words.
            EventTooLongError: An event is longer than `max_event_bytes`.
        """

    @abstractmethod
    def rest(self) -> bytes:
        """Return what the end of the body cut off."""

    def _is_open(self) -> bool:
        """Tell whether events have begun, and neither a fault nor a document came."""
        return self._begun and not self.done and self._document is None

    def _begin(self, data: bytes) -> bytes:
        """Look at the first byte, which tells a stream from a document or a page.

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
        """Report what is too long to be read as a whole, if it is an error.

        Args:
            beginning: Its beginning, cut off anywhere.
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
                # Cut off, and so neither the end nor a fault: `check` says so.
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
            # An answer that goes on after the reason why it ended has not ended.
            went_on = any(map(_is_delta, events[self._ended_at :]))
            self._ended_at = None if went_on else 0
        if fault is not None:
            self._break(fault)
        return events

    def _break(self, fault: str) -> None:
        # After the end of an answer nothing that is wrong harms it.
        if self._ended_at is None:
            self._fault = fault
        self.ended = self.done = True


class SseDecoder(Decoder):
    """Decode an answer that is a stream of server-sent events, whatever their names."""

    # Events never begin as JSON or a page does.
    documents = b"{[<"

    documents_within: ClassVar[bytes] = b""
    """The first bytes of a document that comes after events, where there may be one."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._splitter = SseSplitter(documents=self.documents_within)

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one event may have; called before `feed`."""
        super().limit(max_event_bytes)
        self._splitter = SseSplitter(max_event_bytes, self.documents_within)

    def split(self, data: bytes) -> list[bytes]:
        """Return the data of the events that `data` ends."""
        datas = self._splitter.feed_data(data)
        document = self._splitter.document
        if document is not None:
            self._begin_document(document[:1])
            self._collect(document)
        return datas

    def rest(self) -> bytes:
        """Return the data of the event that the end of the body cut off."""
        last = self._splitter.close()
        return b"" if last is None else last.data


class LineDecoder(Decoder):
    """Decode an answer that is a sequence of lines; blank ones are passed over."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._splitter = LineSplitter()

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one event may have; called before `feed`."""
        super().limit(max_event_bytes)
        self._splitter = LineSplitter(max_event_bytes)

    def _begin(self, data: bytes) -> bytes:
        # A byte order mark would be part of the first line.
        return super()._begin(data).lstrip(_BLANK)

    def split(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` ends."""
        return list(filter(bytes.strip, self._splitter.feed(data)))

    def rest(self) -> bytes:
        """Return what came after the last line feed."""
        return self._splitter.close().strip()

    def begin_document(self, lines: list[bytes]) -> None:
        """Take these lines and all that follows as one document for `read_document`.

        For JSON that is written over several lines, as a proxy may send its error.

        Args:
            lines: The last of those that `read` was given.
        """
        self._begin_document(lines[0][:1])
        self._collect(b"\n".join([*lines, self._splitter.close()]))


def _is_delta(event: Event) -> bool:
    if isinstance(event, str):
        return bool(event)
    return isinstance(event, ReasoningDelta | ToolCallDelta | MediaDelta)


_PARTS = ("choices", "candidates", "output", "content", "delta", "done", "response")
"""Fields of an answer, or of a part of one. With any of them, a message is no error."""

_MESSAGES = ("message", "msg", "detail", "error_msg", "error_message", "errmsg")
"""Fields of an error that is not under `error`."""

_SUCCESS = (0, 200, "0", "200", "ok", "success")
"""Codes of a body that is not an error."""


def is_error(value: object) -> bool:
    """Return whether JSON is a service's error and not a part of an answer.

    For a body that is not a stream, and for an event without anything that the protocol
    knows. Services send errors with status 200 under `error` or `errors`, with
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
        value: As it was sent.
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
        value: As it was sent.
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
        value: As it was sent.
        what: Its name, for the message.

    Raises:
        OddEventError: It is something else.
    """
    if not isinstance(value, str):
        raise OddEventError(f"has a {type(value).__name__} for {what}")
    return value


def as_count(fields: object, name: str) -> int | None:
    """Return a count of tokens among `fields`; None if there is none.

    One that is not a count, such as a negative number, is ignored: the answer is good
    without it.
    """
    if type(fields) is not _OBJECT:
        return None
    count = fields.get(name)
    return count if type(count) is int and count >= 0 else None
