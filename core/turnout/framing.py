"""Split the bytes of an answer into lines and server-sent events. No I/O.

Both splitters get the bytes of each read and return the lines or events that are now
complete, so a decoder gets the same ones however the network cut the bytes. Lines are
split as bytes and never by `str.splitlines`, which also splits at characters that may
be inside a JSON text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from turnout._event_size import EventSize
from turnout._frozen import frozen

__all__ = [
    "MAX_EVENT_BYTES",
    "EventTooLongError",
    "FramingError",
    "LineSplitter",
    "ServerSentEvent",
    "SseSplitter",
]

MAX_EVENT_BYTES = 1024 * 1024
"""How many bytes one line or one event may have by default. One with an image or a
sound may have up to sixteen times as many.

The event loop waits while an event is parsed, some ten milliseconds for this size.
"""

_BEGINNING = 64 * 1024


class FramingError(ValueError):
    """Bytes cannot be split into events: a checksum is wrong, a length is impossible.

    Args:
        message: What is wrong, for people.
        events: The events before the fault in the same bytes.
    """

    def __init__(self, message: str, events: Sequence[bytes] = ()) -> None:
        super().__init__(message)
        self.events = events


class EventTooLongError(FramingError):
    """A line or an event has more bytes than are accepted.

    Args:
        message: What is wrong, for people.
        beginning: The beginning of that line or event.
        events: The events before it in the same bytes.
    """

    def __init__(
        self, message: str, beginning: bytes = b"", events: Sequence[bytes] = ()
    ) -> None:
        super().__init__(message, events)
        self.beginning = beginning


class LineSplitter:
    """Split bytes at line feeds; a carriage return before one stays in the line.

    Args:
        max_bytes: How many bytes a line may have.
    """

    __slots__ = ("_held", "_max_bytes", "_pieces", "_size")

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        # The beginning of a line, in pieces: joining them at each read would take
        # quadratic time for a long line.
        self._pieces: list[bytes] = []
        self._held = 0
        self._size = EventSize(max_bytes)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their line feeds.

        Raises:
            EventTooLongError: A line is longer than `max_bytes`.
        """
        # If this is false, no line can be too long, so none is checked.
        too_much = self._held + len(data) > self._max_bytes
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._pieces:
            self._pieces.append(lines[0])
            lines[0] = b"".join(self._pieces)
            self._clear()
        if rest:
            self._pieces.append(rest)
            self._held += len(rest)
        if too_much:
            for line in lines:
                self._check(EventSize(self._max_bytes), len(line), [line])
            self._check(self._size, self._held, self._pieces)
        return lines

    @property
    def between(self) -> bool:
        """Whether the next byte begins a line."""
        return not self._pieces

    def close(self) -> bytes:
        """Return the bytes after the last line feed; empty if there are none."""
        rest = b"".join(self._pieces)
        self._clear()
        return rest

    def _clear(self) -> None:
        self._pieces.clear()
        self._held = 0
        self._size.begin()

    def _check(self, size: EventSize, length: int, pieces: list[bytes]) -> None:
        if size.is_too_long(length, pieces):
            raise EventTooLongError(
                f"a line has {length} bytes or more; {self._max_bytes} are accepted",
                b"".join(pieces)[:_BEGINNING],
            )


@frozen(kw_only=False)
class ServerSentEvent:
    """One event: its data, undecoded, and its name; empty if it has none."""

    data: bytes
    name: str = ""


class SseSplitter:
    """Split bytes into server-sent events, by the rules that browsers follow.

    Lines end in LF, CRLF or a bare CR. One byte order mark may come first. Lines that
    begin with a colon are comments. The `data` lines of an event are joined with LF. An
    event without data is ignored. A last event without its blank line is returned by
    `close`.

    A line `error: …` is an event named `error`, with the data
    `{"type": "error", "error": …}`: llama.cpp's server sent its errors so until 2025.

    Args:
        max_bytes: How many bytes an event may have.
        documents: The first bytes of a line that begins a document and not an event,
            for services that send a document after events.

    Source: WHATWG HTML, "Interpreting an event stream", read 2026-11-22.
    """

    __slots__ = (
        "_between",
        "_carriage",
        "_data",
        "_documents",
        "_held",
        "_lines",
        "_max_bytes",
        "_name",
        "_new",
        "_size",
        "document",
    )

    def __init__(
        self, max_bytes: int = MAX_EVENT_BYTES, documents: bytes = b""
    ) -> None:
        self._max_bytes = max_bytes
        self._documents = documents
        self.document: bytes | None = None
        """The line that began a document, and the rest of the same read."""
        self._lines = LineSplitter(max_bytes)
        self._new = True
        self._carriage = False
        self._data: list[bytes] = []
        self._held = 0
        self._size = EventSize(max_bytes)
        self._name = ""
        # Whether the next byte begins an event. Only `feed_data` sets and reads it.
        self._between = True

    def feed_data(self, data: bytes) -> list[bytes]:
        """Return the data of the events that `data` completes, without their names.

        For protocols that do not need the names. It returns the data that `feed`
        returns, in a fraction of the time if each event is one `data` line, or one
        after an `event` line, as nearly all are.

        Raises:
            EventTooLongError: An event is longer than `max_bytes`.
        """
        if self._carriage or len(data) > self._max_bytes:
            return self._fed(data)
        blank = b"\r\n\r\n" if b"\r" in data else b"\n\n"
        found: list[bytes] = []
        start = 0
        if not self._between:
            end = data.find(blank)
            if end < 0:
                return self._fed(data)
            start = end + len(blank)
            found = self._fed(data[:start])
        end = data.rfind(blank, start)
        if end >= 0:
            found += self._whole(data[start:end], blank)
            start = end + len(blank)
        self._between = start == len(data)
        if not self._between:
            found += self._fed(data[start:])
        return found

    def _whole(self, data: bytes, blank: bytes) -> list[bytes]:
        """Return the data of complete events.

        Args:
            data: The events, without the blank line of the last one.
            blank: What ends most events: two line ends.
        """
        if data[:6] == b"data: ":
            found = data[6:].split(blank + b"data: ")
            # One search in all of them, because counting line ends takes ten times as
            # long. With a line end, an event has a second line, or is not an event.
            text = b"".join(found)
            if b"\n" not in text and b"\r" not in text:
                self._new = False
                return found
        elif data[:7] == b"event: " and blank == b"\n\n":
            lines = data.split(b"\n")
            found = [line[6:] for line in lines[1::3]]
            # Each event has two lines, its name and its data, and a blank line follows.
            if (
                len(lines) == 3 * len(found) - 1
                and not any(lines[2::3])
                and data.count(b"\n\nevent: ") == len(found) - 1
                and data.count(b"\ndata: ") == len(found)
            ):
                self._new = False
                return found
        return self._fed(data + blank)

    def _fed(self, data: bytes) -> list[bytes]:
        return [event.data for event in self.feed(data)]

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Return the events that `data` completes.

        Raises:
            EventTooLongError: An event is longer than `max_bytes`.
        """
        self._between = False
        data = self._unified(data)
        if self._documents:
            data = self._without_document(data)
        events: list[ServerSentEvent] = []
        for line in self._lines.feed(data):
            if self._new:
                line = self._without_mark(line)
            if not line:
                if self._data:
                    events.append(self._event())
                self._reset()
            elif line[:5] == b"data:":
                self._hold(line[6:] if line[5:6] == b" " else line[5:])
            elif line[:6] == b"error:":
                events += self._failed(line[6:])
            elif line[:1] != b":":  # A comment.
                self._field(line)
        return events

    def close(self) -> ServerSentEvent | None:
        """Return the last event without its blank line, if it has data.

        The protocol's decoder has to decide whether it is complete.
        """
        line = self._without_mark(self._lines.close())
        if line[:6] == b"error:":
            return _error_event(line[6:])
        self._field(line)
        event = self._event() if self._data else None
        self._reset()
        return event

    def _unified(self, data: bytes) -> bytes:
        """Return `data` with every line end as LF."""
        # A CR at the end of a read ends the line. If the next read begins with an LF,
        # that belongs to it.
        if self._carriage and data:
            data = data.removeprefix(b"\n")
            self._carriage = False
        if b"\r" in data:
            self._carriage = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _without_document(self, data: bytes) -> bytes:
        """Return `data` up to a line that begins a document; keep the document."""
        if self._lines.between and data[:1] and data[:1] in self._documents:
            begin = 0
        else:
            found = [data.find(b"\n%c" % first) for first in self._documents]
            begin = min((at for at in found if at >= 0), default=-1) + 1
            if not begin:
                return data
        self.document = data[begin:]
        # Add a blank line, which an event before the document may lack.
        return data[:begin] + b"\n\n"

    def _without_mark(self, line: bytes) -> bytes:
        if self._new:
            self._new = False
            return line.removeprefix(b"\xef\xbb\xbf")
        return line

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._hold(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        # A comment has an empty name. `id`, `retry` and unknown fields do not matter
        # for the answer.

    def _failed(self, value: bytes) -> list[ServerSentEvent]:
        """Return the pending event, if it has data, and that of a line `error: …`."""
        before = [self._event()] if self._data else []
        self._reset()
        return [*before, _error_event(value)]

    def _hold(self, value: bytes) -> None:
        self._data.append(value)
        # With the LF that joins it, so that empty lines count.
        self._held += len(value) + 1
        if self._size.is_too_long(self._held - 1, self._data):
            raise EventTooLongError(
                f"an event has more than {self._max_bytes} bytes of data",
                b"\n".join(self._data)[:_BEGINNING],
            )

    def _event(self) -> ServerSentEvent:
        return ServerSentEvent(b"\n".join(self._data), self._name)

    def _reset(self) -> None:
        self._data.clear()
        self._held = 0
        self._size.begin()
        self._name = ""


def _error_event(value: bytes) -> ServerSentEvent:
    """Return the event for a line `error: …`, whose value is JSON or a text."""
    import json  # Not imported with the module, because such a line is rare.

    error: object = value.decode("utf-8", "replace").strip()
    try:
        error = json.loads(value)
    except (ValueError, RecursionError):
        pass
    if isinstance(error, dict) and "error" in error:
        error = cast("dict[str, object]", error)["error"]
    data = json.dumps({"type": "error", "error": error})
    return ServerSentEvent(data.encode(), "error")
