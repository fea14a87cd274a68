"""Answers as the decoder under test reads them, without any network."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from turnout.decoding import Decoder
from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout.types import Event, Finish, Usage

__all__ = ["PIECES", "SLICINGS", "TEXT", "Reading", "end_of", "text_of", "usage_of"]

PIECES = ("Café", " \u2028\x85", "\U0001f5fc", " مرحبا", ' \\ "q" é', "\n\n")
"""A text with what is cut badly, or taken for the end of a line."""

TEXT = "".join(PIECES)

SLICINGS = [
    pytest.param(whole, id="whole"),
    pytest.param(by_size(1), id="bytes"),
    pytest.param(by_size(3), id="threes"),
    *(pytest.param(at_random(seed), id=f"random-{seed}") for seed in range(10)),
]


class Reading(NamedTuple):
    """Reads answers of a provider `Vendor` to a request `req-1`."""

    decoder_of: Callable[[str, str | None], Decoder]

    def decoded(
        self, data: bytes, slicing: Slicing = whole
    ) -> tuple[Decoder, list[Event]]:
        """Return what an answer brings, however it ends, and who read it."""
        decoder = self.decoder_of("Vendor", "req-1")
        events: list[Event] = []
        for part in slicing(data):
            events += decoder.feed(part)
            if decoder.done:
                break
        return decoder, [*events, *decoder.close()]

    def decode(self, data: bytes, slicing: Slicing = whole) -> list[Event]:
        """Return what an answer brings, which has to be complete."""
        decoder, events = self.decoded(data, slicing)
        assert decoder.reported is None
        decoder.check()
        return events

    def error_of(self, data: bytes, slicing: Slicing = whole) -> tuple[str, Exception]:
        """Return the text that came before an answer failed, and how it did."""
        decoder, events = self.decoded(data, slicing)
        assert decoder.reported is None
        with pytest.raises((ProtocolError, StreamTruncatedError)) as caught:
            decoder.check()
        assert caught.value.request_id == "req-1"
        assert not any(isinstance(event, Finish) for event in events)
        return text_of(events), caught.value

    def reported(self, data: bytes, slicing: Slicing = whole) -> tuple[str, object]:
        """Return the text that came before a reported error, and the error."""
        decoder, events = self.decoded(data, slicing)
        assert decoder.reported is not None
        assert not any(isinstance(event, Finish) for event in events)
        return text_of(events), json.loads(decoder.reported)


def text_of(events: list[Event]) -> str:
    """Return the text of events."""
    return "".join(event for event in events if isinstance(event, str))


def end_of(events: list[Event]) -> Finish:
    """Return the end of events that have one."""
    assert isinstance(events[-1], Finish)
    return events[-1]


def usage_of(events: list[Event]) -> Usage | None:
    """Return what events say that the answer cost; None where they do not."""
    return next((event for event in events if isinstance(event, Usage)), None)
