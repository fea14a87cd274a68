"""What an error of a route holds of an answer that nobody saw."""

from __future__ import annotations

import pytest

from turnout.errors import FallbackError, StreamTruncatedError
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import Target


async def test_the_error_of_a_lone_target_holds_what_had_come() -> None:
    cut = StreamTruncatedError("cut")
    route = Route([FakeProvider("Half of an ", cut, name="A").target()])

    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.text == "Half of an "
    assert caught.value.reply.target == Target("A", "fake-1")


async def test_of_several_it_is_the_last_ones() -> None:
    providers = [
        FakeProvider(name, StreamTruncatedError("cut"), name=name) for name in "AB"
    ]
    route = Route([provider.target() for provider in providers])

    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.text == "B"


async def test_nothing_of_it_is_in_the_next_ones_answer() -> None:
    first = FakeProvider("Half of an ", StreamTruncatedError("cut"), name="A")
    route = Route([first.target(), FakeProvider("whole", name="B").target()])

    assert (await route.complete("Why?")).text == "whole"
