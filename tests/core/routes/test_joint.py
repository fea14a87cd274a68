"""A continuation on its way through its seam."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from turnout._record import Held
from turnout.errors import StreamBrokenError
from turnout.routes._joint import joined
from turnout.routes._seam import Seam, SeamPolicy
from turnout.testing import SimulatedClock
from turnout.types import Event, Finish, ReasoningDelta, ToolCallDelta, Usage

SHOWN = "The first half of an answer that broke off in the middle of a sen"
HM = ReasoningDelta(text="Hm.")
CALL = ToolCallDelta(index=0)
END = Finish(reason="stop")
USED = Usage(output_tokens=1)


class Batches:
    """What a provider gives, and whether it was closed."""

    def __init__(self, *items: Event | list[Event], takes: float = 0.0) -> None:
        self._items = items
        self._takes = takes
        self.clock = SimulatedClock()
        self.closed = False

    async def give(self) -> AsyncGenerator[Event | list[Event]]:
        try:
            for item in self._items:
                self.clock.advance(self._takes)
                yield item
        finally:
            self.closed = True

    def joined(
        self, *, instruction: bool = False, partial: str = SHOWN
    ) -> AsyncGenerator[list[Event]]:
        seam = Seam(partial, instruction=instruction, policy=SeamPolicy())
        return joined(self.give(), seam, 1.5, self.clock)

    async def all(self, *, instruction: bool = False) -> list[list[Event | str]]:
        """Return what passes, with `held` for what stands for text that does not."""
        return [
            ["held" if isinstance(event, Held) else event for event in batch]
            for batch in [b async for b in self.joined(instruction=instruction)]
        ]


async def test_text_that_repeats_nothing_passes() -> None:
    batches = Batches("tence", " and", ["more", USED], END)

    assert await batches.all() == [["tence"], [" and"], ["more", USED], [END]]
    assert batches.closed


async def test_what_is_held_is_progress() -> None:
    batches = Batches("The first half", HM, CALL, END)

    passed = await batches.all()
    assert passed == [["held"], ["held"], ["held"], ["The first half", HM, CALL, END]]


@pytest.mark.parametrize("nothing", ["", [], [""], USED, ReasoningDelta(text="")])
async def test_what_is_no_increment_is_no_progress(nothing: Event) -> None:
    (first, *_) = await Batches(nothing, END).all()

    assert first == []


async def test_what_comes_before_any_text_stays_before_it() -> None:
    passed = await Batches(HM, SHOWN, USED, "tence", CALL, END).all()

    assert passed == [
        ["held"],
        ["held"],
        [],
        [HM, USED, "tence"],
        [CALL],
        [END],
    ]


async def test_without_a_finish_all_passes_at_the_end() -> None:
    assert (await Batches(HM, "The").all())[-1] == [HM, "The"]
    assert (await Batches("tence").all()) == [["tence"]]


async def test_without_any_text_the_rest_passes_at_the_end() -> None:
    assert await Batches(HM, USED).all() == [["held"], [], [HM, USED, ""]]
    assert (await Batches(HM, END).all())[-1] == [HM, "", END]


@pytest.mark.parametrize("takes", [0.75, 1.0])
async def test_held_text_passes_when_its_time_is_up(takes: float) -> None:
    batches = Batches("tence", HM, "x", END, takes=takes)
    passed = await batches.all(instruction=True)

    assert passed == [["held"], ["held"], ["tencex", HM], [END]]


async def test_another_answer_is_refused() -> None:
    batches = Batches(SHOWN[:64], "%", "never")
    with pytest.raises(StreamBrokenError, match="cannot be put together"):
        await batches.all()

    assert batches.closed


async def test_closing_closes_what_gives() -> None:
    batches = Batches("tence", "never")
    through = batches.joined()
    await anext(through)
    await through.aclose()

    assert batches.closed
