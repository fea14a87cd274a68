"""A known answer, and targets that send it, break it or continue it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from turnout.errors import InvalidRequestError, StreamTruncatedError
from turnout.joins._alike import anchor_of
from turnout.routes import Route
from turnout.testing import AnswerPart, FakeProvider
from turnout.types import ChatRequest, ModelInfo

_WORDS = (
    "the a of rails under every station keeper knew which train would leave before "
    "dawn and why its lamps were green he wrote numbers in small books nobody read "
    "while snow fell over signals bridges water towers sidings and far hills where "
    "wolves sang three songs about iron salt bread with butter some said clocks ran "
    "slow there but few asked twice"
).split()


def deltas_of(count: int, seed: int) -> list[str]:
    """Return an answer in deltas of the kind that models send: words and marks."""
    random = Random(seed)
    deltas = ["When"]
    while len(deltas) < count:
        mark = random.random()
        if mark < 0.08:
            deltas.append(random.choice([". ", ",\n", "; ", ":\n\n", "! "]).rstrip(" "))
        else:
            # Doubled words would look like a repetition.
            near = {delta.strip() for delta in deltas[-8:]}
            deltas.append(
                " " + random.choice([word for word in _WORDS if word not in near])
            )
    return deltas


DELTAS = deltas_of(200, seed=7)
TEXT = "".join(DELTAS)

Way = Callable[[str], str]
"""Returns the text of a continuation, given the answer so far."""


def exactly(partial: str) -> str:
    return TEXT[len(partial) :]


def repeating(count: int) -> Way:
    return lambda partial: TEXT[max(0, len(partial) - count) :]


def over_again(_: str) -> str:
    return TEXT


def politely(partial: str) -> str:
    """Repeat the last words as instructed, after an opening."""
    last = anchor_of(partial)
    return f"Sure, continuing: {partial[partial.rindex(last) :]}{exactly(partial)}"


def otherwise(_: str) -> str:
    """Begin like the answer, and continue with another one."""
    return TEXT[:100] + " and so they all went home."


def partial_in(request: ChatRequest) -> str:
    """Return the beginning of the answer that a request has; empty if it has none."""
    said = [m.text for m in request.messages if m.role == "assistant"]
    return said[-1] if said else ""


def pieces_of(text: str, size: int = 12) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def going_on(
    way: Way = exactly,
    *then: AnswerPart,
    name: str = "B",
    prefill: bool = False,
    refuses: bool = False,
    upto: int | None = None,
) -> FakeProvider:
    """Return a target that continues the answer, or sends all of it.

    Args:
        way: How it continues.
        then: The parts after that.
        name: Its name.
        prefill: Whether it declares that it supports a prefill.
        refuses: Whether it refuses a prefill nevertheless.
        upto: The number of characters that it sends; None for all.
    """

    def answer(request: ChatRequest) -> Iterator[AnswerPart]:
        if refuses and request.prefill:
            raise InvalidRequestError("the last message is not the user's")
        partial = partial_in(request)
        yield from pieces_of((way(partial) if partial else TEXT)[:upto])
        yield from then

    model = ModelInfo(name="m", prefill="trailing" if prefill else "none")
    return FakeProvider(answer, name=name, models=[model])


def cut_after(count: int, name: str = "A") -> FakeProvider:
    """Return a target whose answer breaks after `count` deltas."""
    return FakeProvider(*DELTAS[:count], StreamTruncatedError("cut"), name=name)


def route_of(*providers: FakeProvider, **policy: object) -> Route:
    return Route([provider.target() for provider in providers], policy)
