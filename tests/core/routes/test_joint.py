"""A continuation that passes through its seam."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from turnout._record import Held, Record
from turnout.errors import StreamBrokenError
from turnout.joins._seam import Seam
from turnout.routes._joint import joined
from turnout.types import Event, Finish, Join, ReasoningDelta, ToolCallDelta, Usage

SHOWN = "The first half of an answer that broke off in the middle of a sen"
HM = ReasoningDelta(text="Hm.")
CALL = ToolCallDelta(index=0)
END = Finish(reason="stop")
USED = Usage(output_tokens=1)


class Batches:
    """The events of a provider, and whether it was closed."""

    def __init__(self, *items: Event | list[Event]) -> None:
        self._items = items
        self.record = Record()
        self.closed = False

    async def give(self) -> AsyncGenerator[Event | list[Event]]:
        try:
            for item in self._items:
                yield item
        finally:
            self.closed = True

    def joined(
        self,
        *,
        instruction: bool = False,
        partial: str = SHOWN,
        stop: tuple[str, ...] = (),
        verified: bool = False,
    ) -> AsyncGenerator[list[Event]]:
        self.record.take([partial])
        seam = Seam(partial, instruction=instruction)
        return joined(self.give(), seam, self.record, stop, verified=verified)

    async def all(
        self,
        *,
        instruction: bool = False,
        partial: str = SHOWN,
        stop: tuple[str, ...] = (),
        verified: bool = False,
    ) -> list[list[Event | str]]:
        """Return the events that pass, with `held` for text that is held."""
        through = self.joined(
            instruction=instruction, partial=partial, stop=stop, verified=verified
        )
        return [
            ["held" if isinstance(event, Held) else event for event in batch]
            async for batch in through
        ]


async def test_text_without_a_repetition_passes() -> None:
    batches = Batches("tence", " and", ["more", USED], END)

    assert await batches.all() == [["tence"], [" and"], ["more", USED], [END]]
    assert batches.closed
    assert batches.record.join == "prefill"


async def test_held_text_is_progress() -> None:
    passed = await Batches("The first half", HM, END).all()

    assert passed == [["held"], ["held"], ["The first half", HM, END]]


@pytest.mark.parametrize("nothing", ["", [], [""], USED, ReasoningDelta(text="")])
async def test_an_event_without_content_is_not_progress(nothing: Event) -> None:
    (first, *_) = await Batches(nothing, END).all()

    assert first == []


async def test_events_before_the_text_stay_before_it() -> None:
    passed = await Batches(HM, SHOWN, USED, "tence", CALL, END).all()

    assert passed == [["held"], ["held"], [], [HM, "tence", USED], [CALL], [END]]


async def test_events_after_the_decision_pass() -> None:
    passed = await Batches(["tence", HM, " and"], END).all()
    assert passed == [["tence", HM, " and"], [END]]
    block = f"```\n{SHOWN}tence"
    passed = await Batches(block, HM, "\n", "```", END).all(instruction=True)
    assert [one for batch in passed for one in batch if one != "held"] == [
        "tence",
        HM,
        END,
    ]


async def test_a_tool_call_releases_the_held_text() -> None:
    passed = await Batches("tence", CALL, END).all(instruction=True)

    assert passed == [["held"], ["tence", CALL], [END]]


async def test_without_a_finish_all_passes_at_the_end() -> None:
    assert (await Batches(HM, "The").all())[-1] == [HM, "The"]
    assert (await Batches("tence").all()) == [["tence"]]


async def test_without_any_text_the_rest_passes_at_the_end() -> None:
    assert await Batches(HM, USED).all() == [["held"], [], [HM, USED]]
    assert (await Batches(HM, END).all())[-1] == [HM, END]


async def test_another_answer_is_refused() -> None:
    batches = Batches(SHOWN[:64], "%" * 400, "never")
    with pytest.raises(StreamBrokenError, match="cannot be joined"):
        await batches.all()

    assert batches.closed
    assert batches.record.join is None


@pytest.mark.parametrize(
    ("instruction", "text", "join"),
    [
        (False, "tence.", "prefill"),
        (True, SHOWN + "tence.", "anchor"),
        (True, "middle of a sentence.", "overlap"),
        (False, SHOWN + "tence.", "restart"),
    ],
)
async def test_a_verified_join_passes(instruction: bool, text: str, join: Join) -> None:
    batches = Batches(text, END)

    passed = await batches.all(instruction=instruction, verified=True)
    assert "tence." in [event for batch in passed for event in batch]
    assert batches.record.join == join
    assert batches.record.dropped == len(text) - len("tence.")


@pytest.mark.parametrize("items", [("tence.", END), (CALL, END), (END,), ()])
async def test_an_unverified_join_is_refused_if_join_is_verified(
    items: tuple[Event, ...],
) -> None:
    batches = Batches(*items)
    with pytest.raises(StreamBrokenError, match="join is 'verified'"):
        await batches.all(instruction=True, verified=True)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("stop", [("sentence",), ("never", "sentence"), ("ntenc",)])
async def test_a_stop_sequence_over_the_join_stops(
    stop: tuple[str, ...], size: int
) -> None:
    text = "tence and more"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    batches = Batches(*pieces, END)

    passed = [event for batch in await batches.all(stop=stop) for event in batch]
    assert [event for event in passed if event != "held"] == [END]
    assert batches.closed


@pytest.mark.parametrize("items", [("te", "nder"), ("te",)])
async def test_the_beginning_of_a_stop_sequence_passes_if_the_rest_differs(
    items: tuple[str, ...],
) -> None:
    passed = await Batches(*items).all(stop=("sentence", "ntence"))

    texts = [one for batch in passed for one in batch if one != "held"]
    assert texts == ["".join(items)]


async def test_nothing_follows_a_stop_sequence() -> None:
    passed = await Batches(["tence", CALL, "more"], END).all(stop=("sentence",))

    assert passed == [[END]]


async def test_closing_closes_the_provider() -> None:
    batches = Batches("tence", "never")
    through = batches.joined()
    await anext(through)
    await through.aclose()

    assert batches.closed


async def test_other_tasks_run_while_a_long_text_is_compared() -> None:
    partial = " ".join(map(str, range(10_000)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    passed = await Batches(partial + " and on", "too", END).all(partial=partial)
    running.cancel()

    events = [one for batch in passed for one in batch if one != "held"]
    assert events == [" and on", "too", END]
    assert turns > len(partial) // 10_000
