"""Many streams over three targets that fail at random, with a simulated clock.

At any time at least one target works. From time to time the working target changes, and
the one before works for a while longer, since a target that was down takes a while to
be up again. The faults of a stream depend on the seed, its number and its start.
"""

from __future__ import annotations

import asyncio
import random as chance
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from turnout import _watchdog
from turnout.errors import (
    ConnectError,
    ConnectionLostError,
    InvalidRequestError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    ServerError,
    StreamError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.joins._alike import anchor_of
from turnout.provider import Provider
from turnout.routes import Health, Route
from turnout.types import ChatRequest, Failover, ModelInfo, ProviderInfo
from turnout.types import Target as TargetName

from .answers import deltas_of

NAMES = "ABC"
PHASE = 400.0
"""Seconds after which another target works."""
OVERLAP = 240.0
"""Seconds for which the one before still works."""
SPACING = 3.0
"""Seconds between two streams, on average."""
FAULTS = (
    "cut",
    "reset",
    "stall",
    "limited",
    "failing",
    "overloaded",
    "unreachable",
    "malformed",
    "error inside",
    "silence",
    "slow",
)
BREAKS = ("cut", "stall", "malformed", "error inside")
POLICY = {
    "max_attempts": 12,
    "max_continuations": 6,
    "first_delta_timeout": 10.0,
    "stall_timeout": 5.0,
}


class Faulty(Provider):
    """Sends each answer unchanged, or with the fault of its number."""

    def __init__(self, name: str, soak: Soak, *, prefill: bool) -> None:
        model = ModelInfo(name="m", prefill="trailing" if prefill else "none")
        super().__init__(info=ProviderInfo(name=name, models=(model,)))
        self._soak = soak

    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        number = int(request.messages[0].text)
        said = [m.text for m in request.messages if m.role == "assistant"]
        deltas = self._soak.truth(number)
        truth, partial = "".join(deltas), said[-1] if said else ""
        name = self.info.name
        random = Random(f"{self._soak.seed} {number} {name} {len(partial)}")
        fault = self._soak.fault(number, name)
        self._soak.faults[fault] += 1
        self._raise_at_once(fault, random)
        if request.prefill and random.random() < 0.3:
            raise InvalidRequestError("the last message is the assistant's")
        if fault == "silence":
            await asyncio.sleep(1000)
        pieces = deltas if not partial else _going_on(random, truth, partial, request)
        end = len(pieces) if fault in {"", "slow"} else random.randint(0, len(pieces))
        for piece in pieces[:end]:
            yield piece
            await asyncio.sleep(0.3 if fault == "slow" else 0.02)
        if fault == "stall":
            await asyncio.sleep(1000)
        if fault == "malformed":
            raise ProtocolError("no JSON")
        if fault == "error inside":
            raise StreamError("sorry")
        if fault not in {"", "slow"}:
            raise StreamTruncatedError("cut")

    @staticmethod
    def _raise_at_once(fault: str, random: Random) -> None:
        match fault:
            case "reset":
                raise ConnectionLostError("reset")
            case "limited":
                hint = random.choice([None, 0.0, 0.5, 2.0, 10.0])
                raise RateLimitError("slow down", status_code=429, retry_after=hint)
            case "failing":
                raise ServerError("no", status_code=random.choice([500, 502, 504]))
            case "overloaded":
                raise OverloadedError("busy", status_code=503)
            case "unreachable":
                raise ConnectError("refused")
            case _:
                pass


def _going_on(
    random: Random, truth: str, partial: str, request: ChatRequest
) -> list[str]:
    """Return a target's continuation of an answer, in pieces."""
    rest = truth[len(partial) :]
    ways = ["exactly", "again", "over again"]
    anchor = anchor_of(partial)
    if not request.prefill and anchor:
        ways.append("politely")
    way = random.choice(ways)
    if way == "exactly":
        text = rest
    elif way == "again":
        back = random.choice([24, 40, 300])
        text = truth[max(0, len(partial) - back) :]
    elif way == "over again":
        text = truth
    else:
        text = f"Sure, continuing: {partial[partial.rindex(anchor) :]}{rest}"
    return list(_pieces(random, text))


def _pieces(random: Random, text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = random.randint(1, 30)
        yield text[at : at + size]
        at += size


@dataclass
class Soak:
    """A run of many streams.

    Args:
        streams: The number of streams.
        seed: The seed of all random numbers.
    """

    streams: int
    seed: int
    wrong: list[str] = field(default_factory=list[str])
    """Each failure, with the number of the stream."""
    faults: Counter[str] = field(default_factory=Counter[str])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    failovers: int = 0
    """How often an answer was continued on another target."""
    attempts: int = 0
    seconds: float = 0.0
    """Seconds of the simulated clock."""

    def __post_init__(self) -> None:
        random = Random(self.seed)
        self._well: list[str] = []
        self._started: dict[int, float] = {}
        self.store = Health(random=random.random)
        self._random = random
        providers = [Faulty(n, self, prefill=n == "B") for n in NAMES]
        self._route = Route(
            [provider.target() for provider in providers],
            POLICY,
            order=self._order,
            health=self.store,
        )

    def truth(self, number: int) -> Sequence[str]:
        """Return the answer of a stream."""
        random = Random(f"{self.seed} {number}")
        return deltas_of(random.randint(20, 80), random.randint(0, 10**9))

    def fault(self, number: int, name: str) -> str:
        """Return the fault of a target for a stream; empty if it has none."""
        start = self._started[number]
        phase, since = divmod(start, PHASE)
        well = {self._well_in(int(phase))}
        if since < OVERLAP:
            well.add(self._well_in(max(0, int(phase) - 1)))
        random = Random(f"{self.seed} {number} {name}")
        if name in well or random.random() < 0.2:
            return ""
        # Most faults are in the middle of an answer, since these are under test.
        return random.choice(FAULTS if random.random() < 0.4 else BREAKS)

    def _well_in(self, phase: int) -> str:
        while len(self._well) <= phase:
            others = [name for name in NAMES if self._well[-1:] != [name]]
            self._well.append(self._random.choice(others))
        return self._well[phase]

    def _order(
        self, targets: Sequence[TargetName], request: ChatRequest
    ) -> Sequence[TargetName]:
        random = Random(f"{self.seed} {request.messages[0].text}")
        return random.sample(targets, len(targets))

    async def run(self) -> None:
        """Run all streams, and check what is left after them."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.wrong.append(str(context)))
        chance.seed(self.seed)  # For the waits of the routes.
        spaces = Random(self.seed + 1)
        under_way: set[asyncio.Task[None]] = set()
        for number in range(self.streams):
            task = asyncio.create_task(self._stream(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(spaces.expovariate(1 / SPACING))
        while under_way:
            await asyncio.wait(under_way)
        await asyncio.sleep(1.0)
        self.seconds = loop.time()
        self._look_at_what_is_left()

    async def _stream(self, number: int) -> None:
        self._started[number] = asyncio.get_running_loop().time()
        random = Random(f"{self.seed} {number} caller")
        truth = "".join(self.truth(number))
        seen = ""
        # One in ten is closed at a random time.
        patience = random.uniform(0.0, 4.0) if random.random() < 0.1 else None
        stream = self._route.stream(str(number))
        try:
            async with asyncio.timeout(patience):
                if random.random() < 0.2:
                    seen = (await stream.collect()).text
                else:
                    async for event in stream.events():
                        if isinstance(event, str):
                            seen += event
                        self.failovers += isinstance(event, Failover)
        except TimeoutError:
            self.outcomes["given up"] += 1
            if not truth.startswith(seen):
                self.wrong.append(f"{number}: given up with what is not its answer")
        except TurnoutError as error:
            self.outcomes["failed"] += 1
            self.wrong.append(f"{number}: {error!r}, after {len(seen)} characters")
        except Exception as error:  # noqa: BLE001 that is what is looked for
            self.wrong.append(f"{number}: not of turnout's errors: {error!r}")
        else:
            self.outcomes["whole"] += 1
            if not seen == stream.reply.text == truth:
                self.wrong.append(f"{number}: {len(seen)} of {len(truth)} characters")
            attempts = stream.reply.attempts
            asked = [a for a in attempts if a.outcome != "passed_over"]
            if len(asked) > POLICY["max_attempts"]:
                self.wrong.append(f"{number}: {len(asked)} attempts")
            self.attempts += len(asked)
        del self._started[number]

    def _look_at_what_is_left(self) -> None:
        for health in self.store.known():
            left = health.retries_in_flight, len(health.probes), len(health.waiting)
            if any(left):
                self.wrong.append(f"{health.target}: retries, probes, waiting {left}")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        self.wrong += [f"left: {task}" for task in tasks]
        rounds = _watchdog._ROUNDS.get(  # pyright: ignore[reportPrivateUsage]
            asyncio.get_running_loop()
        )
        self.wrong += [f"watched: {one}" for one in (rounds.watched if rounds else ())]
