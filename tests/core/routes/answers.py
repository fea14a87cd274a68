"""An answer that is known, and targets that give it, break it off or go on with it."""

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
    """Return an answer in increments, as models make them: a word each, or a mark."""
    random = Random(seed)
    deltas = ["When"]
    while len(deltas) < count:
        mark = random.random()
        if mark < 0.08:
            deltas.append(random.choice([". ", ",\n", "; ", ":\n\n", "! "]).rstrip(" "))
        else:
            # Words that come again at once would be no sign of a repetition.
            near = {delta.strip() for delta in deltas[-8:]}
            deltas.append(
                " " + random.choice([word for word in _WORDS if word not in near])
            )
    return deltas


DELTAS = deltas_of(200, seed=7)
TEXT = "".join(DELTAS)

Way = Callable[[str], str]
"""What is said, given how much of the answer was said already."""


def exactly(partial: str) -> str:
    return TEXT[len(partial) :]


def repeating(count: int) -> Way:
    return lambda partial: TEXT[max(0, len(partial) - count) :]


def over_again(_: str) -> str:
    return TEXT


def politely(partial: str) -> str:
    """Repeat the last words as asked, after an opening."""
    last = anchor_of(partial)
    return f"Sure, continuing: {partial[partial.rindex(last) :]}{exactly(partial)}"


def otherwise(_: str) -> str:
    """Begin as the answer does, and go on with another one."""
    return TEXT[:100] + " and so they all went home."


def partial_in(request: ChatRequest) -> str:
    """Return the beginning of the answer that a request brings; empty for none."""
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
    """Return a target that goes on with the answer, or gives all of it.

    Args:
        way: How it goes on.
        then: What comes after that.
        name: Its name.
        prefill: Whether it says of itself that it takes the beginning of an answer.
        refuses: Whether it refuses that all the same.
        upto: Characters of what it says, where it does not say all.
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
    """Return a target whose answer breaks off after so many increments."""
    return FakeProvider(*DELTAS[:count], StreamTruncatedError("cut"), name=name)


def route_of(*providers: FakeProvider, **policy: object) -> Route:
    return Route([provider.target() for provider in providers], policy)
