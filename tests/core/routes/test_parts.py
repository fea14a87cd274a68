"""The parts besides text of an answer from two targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from turnout.errors import ServerError, StreamBrokenError, StreamTruncatedError
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import Citation, Event, Failover, Finish, MediaDelta, Reply

CUT = StreamTruncatedError("cut")
STATE = {"vendor": [1]}


async def read(
    first: Sequence[Any], *second: Any, **policy: Any
) -> tuple[list[Event], Reply]:
    """Return the events and the reply of a route whose first target breaks."""
    targets = [FakeProvider(*first, name="A"), FakeProvider(*second, name="B")]
    stream = Route([one.target("m") for one in targets], policy).stream("Count.")
    events = [event async for event in stream.events()]
    return events, stream.reply


async def test_citations_are_placed_in_the_whole_text() -> None:
    one, two = Citation(url="https://1", start=0, end=3), Citation(url="https://2")
    three = Citation(url="https://3", start=5, end=10)

    events, reply = await read(
        ["One, two", one, CUT], "two", ", three", two, three, Finish(reason="stop")
    )

    assert reply.text == "One, two, three"
    assert any(isinstance(event, Failover) for event in events)
    # In events, positions count from the beginning of the target's own text.
    assert [event for event in events if isinstance(event, Citation)] == [
        one,
        two,
        three,
    ]
    assert reply.citations[:2] == (one, two)
    last = reply.citations[2]
    assert reply.text[last.start : last.end] == "three"


async def test_an_answer_of_two_targets_has_no_state() -> None:
    end = Finish(reason="stop", state=STATE)

    _, joined = await read(["One, two", CUT], "two, three", end)
    _, alone = await read([ServerError("no")], "two, three", end)

    assert joined.state is None
    assert alone.state == STATE


async def test_items_are_those_of_the_target_that_ended_the_answer() -> None:
    _, reply = await read(
        ["One, two", CUT], "two, three", Finish(reason="stop", items=({"a": 1},))
    )

    assert reply.items == ({"a": 1},)


@pytest.mark.parametrize("before", [[], ["One, two"]])
async def test_an_image_that_was_begun_is_not_continued(before: list[str]) -> None:
    image = MediaDelta(index=0, media_type="image/png", data=b"half")

    with pytest.raises(StreamBrokenError, match="it had begun an image") as caught:
        await read([*before, image, CUT], "two, three")

    assert caught.value.reply is not None
    assert caught.value.reply.media[0].data == b"half"


async def test_an_image_that_was_not_shown_is_discarded() -> None:
    image = MediaDelta(index=0, media_type="image/png", data=b"half")
    targets = [FakeProvider(image, CUT, name="A"), FakeProvider(image, name="B")]

    reply = await Route([one.target("m") for one in targets]).complete("Draw.")

    assert [one.data for one in reply.media] == [b"half"]
