"""The reply in an error of a route whose answer was not shown."""

from __future__ import annotations

import pytest

from turnout.errors import FallbackError, StreamTruncatedError
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import Target


async def test_the_error_of_a_lone_target_has_the_answer_so_far() -> None:
    cut = StreamTruncatedError("cut")
    route = Route([FakeProvider("Half of an ", cut, name="A").target()])

    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.text == "Half of an "
    assert caught.value.reply.target == Target("A", "fake-1")


async def test_the_error_of_several_targets_has_the_answer_of_the_last() -> None:
    providers = [
        FakeProvider(name, StreamTruncatedError("cut"), name=name) for name in "AB"
    ]
    route = Route([provider.target() for provider in providers])

    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.text == "B"


async def test_the_next_answer_has_nothing_of_the_failed_one() -> None:
    first = FakeProvider("Half of an ", StreamTruncatedError("cut"), name="A")
    route = Route([first.target(), FakeProvider("whole", name="B").target()])

    assert (await route.complete("Why?")).text == "whole"
