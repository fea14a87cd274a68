"""The requests that turnout is loaded with, and what each must give."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from random import Random

from bench.endurance.services import BREAKS, FAULTS, truth
from turnout import ModelInfo, Provider, Route, Stream
from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    FirstDeltaTimeoutError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    StreamError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
    UnavailableError,
)
from turnout.routes import Health
from turnout.types import ChatRequest, Target
from turnout_anthropic import Anthropic
from turnout_flowgpt import FlowGpt
from turnout_ollama import Ollama
from turnout_openai import OpenAI

TARGETS: dict[str, type[Provider]] = {
    "A": OpenAI,
    "B": FlowGpt,
    "C": Anthropic,
    "D": Ollama,
}

NOWHERE = "N"
"""A target that refuses every connection."""

EXPECTED: dict[str, tuple[type[TurnoutError], ...]] = {
    "cut": (StreamTruncatedError,),
    "torn": (StreamTruncatedError,),
    "unfinished": (StreamTruncatedError,),
    "malformed": (ProtocolError,),
    "error inside": (StreamError, ServerError),
    "stall": (StreamStalledError, FirstDeltaTimeoutError),
    "limited": (RateLimitError,),
    "failing": (ServerError,),
    "overloaded": (OverloadedError,),
    "unauthorized": (AuthenticationError,),
    "too long": (ContextLengthError,),
    "hung up": (ConnectionLostError,),
    "reset": (ConnectionLostError,),
    "silence": (FirstDeltaTimeoutError,),
    "head only": (FirstDeltaTimeoutError,),
    "slow": (),
    "refused": (ConnectError,),
    "": (),
}
"""The errors of a request to one target, by its fault."""

CALLERS = {
    "iterate": 40,
    "collect": 15,
    "events": 15,
    "cancelled": 10,
    "closed early": 8,
    "dropped": 4,
    "short of time": 4,
    "never begun": 2,
    "in a thread": 2,
}
"""How often each is."""

THREADS = 32
"""Callers in threads at a time; as many as there may be do not wait for one."""

TIMEOUT = 7.0
"""Seconds that a target has, to the first delta and between two."""

POLICY = {
    "max_attempts": 12,
    "max_continuations": 6,
    "first_delta_timeout": TIMEOUT,
    "stall_timeout": TIMEOUT,
}
"""The defaults, but that each target may continue an answer."""

OUTAGE = 40.0, 8.0
"""Every 40 seconds each target fails every request for 8, one target after another."""


def provider(name: str, port: int, *, nowhere: str, **options: object) -> Provider:
    kind = TARGETS.get(name, OpenAI)
    url = nowhere if name == NOWHERE else f"http://127.0.0.1:{port}/{name}"
    model = ModelInfo(name="m", prefill="trailing" if name == "C" else "none")
    options = {"first_delta_timeout": TIMEOUT, "stall_timeout": TIMEOUT, **options}
    if kind in {OpenAI, Anthropic}:
        options["api_key"] = "sk-0123456789"
    info = replace(kind.info, name=name, models=(model,), default_model="m", aliases={})
    return kind(info=info, base_url=url, **options)


def shuffled(targets: Sequence[Target], request: ChatRequest) -> Sequence[Target]:
    random = Random(request.messages[0].text)
    return random.sample(targets, len(targets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, and what is to come of it."""

    number: int
    caller: str
    fault: str
    """Of the only target; empty for a route, which has one that is well."""
    answer: str
    allowed: tuple[type[TurnoutError], ...]
    """Errors that are right; with none the answer is to be whole."""
    whole: bool
    """Whether a whole answer is right."""


@dataclass
class Load:
    """Makes requests for some time, at random.

    Args:
        port: The services'.
        callers: How many ask at the same time, each again and again.
        faults: The share of requests that each target of a route fails, 0 to 1.
        seed: Of all that is left to chance.
        nowhere: A URL that refuses connections.
    """

    port: int
    callers: int
    faults: float
    seed: int
    nowhere: str
    wrong: list[str] = field(default_factory=list[str])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    attempts: Counter[str] = field(default_factory=Counter[str])
    routed: Counter[str] = field(default_factory=Counter[str])
    """Outcomes of requests to a route whose caller waited for the end."""
    dead: Counter[str] = field(default_factory=Counter[str])
    """Outcomes of attempts at the target that refuses connections."""
    started: int = 0
    failovers: int = 0
    under_way: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def run(self, seconds: float) -> None:
        """Ask for so long; return when all has ended and is closed."""
        self.random = Random(self.seed)
        self.begun = time.monotonic()
        async with AsyncExitStack() as stack:
            self._alone = {
                name: await stack.enter_async_context(self._provider(name))
                for name in [*TARGETS, NOWHERE]
            }
            narrow = self._provider("A", max_concurrent=2, queue_timeout=0.3)
            self._narrow = await stack.enter_async_context(narrow)
            self._routes = [
                await stack.enter_async_context(self._route(hedged=hedged))
                for hedged in (False, True)
            ]
            # It is not entered: its connections are its event loop's.
            self._shared = self._provider("A")
            callers = (self._caller(seconds) for _ in range(self.callers))
            self.under_way.update(map(asyncio.create_task, callers))
            for task in self.under_way:
                task.add_done_callback(self.under_way.discard)
            await asyncio.wait(self.under_way)
        del self._alone, self._narrow, self._routes, self._shared

    def _provider(self, name: str, **options: object) -> Provider:
        return provider(name, self.port, nowhere=self.nowhere, **options)

    def _route(self, *, hedged: bool) -> Route:
        return Route(
            [self._provider(name).target() for name in [*TARGETS, NOWHERE]],
            POLICY | ({"hedge_after": 0.1} if hedged else {}),
            order=shuffled,
            health=Health(),
        )

    async def _caller(self, seconds: float) -> None:
        """Ask again and again for so many seconds."""
        while time.monotonic() < self.begun + seconds:
            number, self.started = self.started, self.started + 1
            await self._one(number)
            await asyncio.sleep(0)  # A stream that is never begun takes no time.

    async def _one(self, number: int) -> None:
        """Make one request of any kind."""
        random = Random(f"{self.seed} {number}")
        caller = random.choices(list(CALLERS), list(CALLERS.values()))[0]
        try:
            if random.random() < 0.5:
                await self._ask_one(random, number, caller)
            else:
                await self._ask_route(random, number, caller)
        except Exception as error:  # noqa: BLE001 that is what is looked for
            self._is_wrong(number, caller, f"not of turnout's errors: {error!r}")

    async def _ask_one(self, random: Random, number: int, caller: str) -> None:
        kind = random.choices(
            ["kept", "new", "shared", "narrow", "nowhere"], [60, 15, 10, 10, 5]
        )[0]
        name = random.choice([*TARGETS]) if kind in {"kept", "new"} else "A"
        fault = "" if random.random() < 0.4 else random.choice(FAULTS)
        if name == "B" and fault in {"unfinished", "error inside"}:
            fault = "malformed"  # What FlowGPT's protocol does not have.
        allowed = EXPECTED[fault]
        if kind == "nowhere":
            fault, allowed = "refused", EXPECTED["refused"]
        whole = not allowed
        if kind == "narrow":
            allowed += (UnavailableError,)
        if caller == "short of time":
            allowed += (DeadlineError,)
        seed = random.randint(0, 10**9)
        call = Call(
            number=number,
            caller=caller,
            fault=fault,
            answer=truth(seed),
            allowed=allowed,
            whole=whole,
        )
        text = json.dumps({"seed": seed, name: fault, "number": number})
        if kind == "new":
            async with self._provider(name) as own:
                await self._hear(random, call, self._stream(own, text, random, caller))
            return
        asked = {
            "kept": self._alone[name],
            "shared": self._shared,
            "narrow": self._narrow,
            "nowhere": self._alone[NOWHERE],
        }[kind]
        await self._hear(random, call, self._stream(asked, text, random, caller))

    async def _ask_route(self, random: Random, number: int, caller: str) -> None:
        since = time.monotonic() - self.begun
        faults: dict[str, str] = {}
        for index, name in enumerate(TARGETS):
            every, lasting = OUTAGE
            out = (since - index * lasting) % every < lasting
            if random.random() < (1.0 if out else self.faults):
                kinds = BREAKS if random.random() < 0.6 else FAULTS
                # A key that is refused is not tried again for minutes.
                usual = [kind for kind in kinds if kind != "unauthorized"]
                faults[name] = random.choice(usual)
        if len(faults) == len(TARGETS):  # One target at least could give the answer.
            del faults[random.choice([*faults])]
        seed = random.randint(0, 10**9)
        question = {"number": number, "seed": seed, **faults}
        call = Call(
            number=number,
            caller=caller,
            fault="",
            answer=truth(seed),
            allowed=(DeadlineError, FallbackError, StreamBrokenError)
            if caller == "short of time"
            else (),
            whole=True,
        )
        text = json.dumps(question)
        if random.random() < 0.2:
            async with self._route(hedged=False) as own:
                stream = self._stream(own, text, random, caller)
                await self._hear(random, call, stream, of_route=True)
            return
        route = random.choice(self._routes)
        stream = self._stream(route, text, random, caller)
        await self._hear(random, call, stream, of_route=True)
        for attempt in stream.reply.attempts:
            if attempt.target.provider == NOWHERE:
                self.dead[attempt.outcome] += 1

    def _stream(
        self, asked: Provider | Route, text: str, random: Random, caller: str
    ) -> Stream:
        if caller == "short of time":
            return asked.stream(text, deadline=random.uniform(0.05, 1.0))
        return asked.stream(text)

    async def _hear(
        self, random: Random, call: Call, stream: Stream, *, of_route: bool = False
    ) -> None:
        """Read a stream as its caller does, and check the result."""
        seen: list[str] = []
        patience = random.uniform(0.0, 1.5) if call.caller == "cancelled" else None
        try:
            async with asyncio.timeout(patience):
                over = await _read(call.caller, stream, random.randint(0, 12), seen)
        except TimeoutError:
            over = False
        except TurnoutError as error:
            self._judge_error(call, error, "".join(seen))
            if of_route and call.caller != "short of time":
                self.routed[type(error).__name__] += 1
            return
        text = "".join(seen)
        attempts = stream.reply.attempts
        self.attempts.update(attempt.outcome for attempt in attempts)
        if over and of_route:
            self.routed["whole"] += 1
        if over:  # Another target continued these answers.
            begun = [a for a in attempts if a.first_delta is not None]
            self.failovers += sum(a.outcome == "failed" for a in begun)
        if not call.answer.startswith(text) or (over and text != call.answer):
            if over and not call.whole:
                self._is_wrong(call.number, call.caller, f"whole, with {call.fault!r}")
            received = f"{len(text)} of {len(call.answer)} characters"
            self._is_wrong(call.number, call.caller, f"{received}: {_seam(call, text)}")
        elif over and not call.whole:
            self._is_wrong(call.number, call.caller, f"whole, with {call.fault!r}")
        self.outcomes["whole" if over else call.caller] += 1

    def _judge_error(self, call: Call, error: TurnoutError, text: str) -> None:
        self.outcomes[type(error).__name__] += 1
        fits = call.answer.startswith(text)
        if not isinstance(error, call.allowed) or not fits:
            description = f"{error!r} with {call.fault!r}, after {len(text)} characters"
            self._is_wrong(call.number, call.caller, description)

    def _is_wrong(self, number: int, caller: str, description: str) -> None:
        self.wrong.append(f"{number}, {caller}: {description}")


def _seam(call: Call, text: str) -> str:
    """Show where a text ceases to be the answer."""
    pairs = enumerate(zip(text, call.answer, strict=False))
    at = next((i for i, (one, other) in pairs if one != other), len(call.answer))
    near = slice(max(0, at - 20), at + 20)
    return f"{call.answer[near]!r} became {text[near]!r}"


async def _read(caller: str, stream: Stream, most: int, seen: list[str]) -> bool:
    """Read a stream as a caller does; tell whether it was read to its end."""
    match caller:
        case "collect":
            seen.append((await stream.collect()).text)
            return True
        case "events":
            async for event in stream.events():
                if isinstance(event, str):
                    seen.append(event)
            return True
        case "in a thread":
            # An error comes out of a thread as it would out of a task.
            await asyncio.to_thread(lambda: seen.extend(stream))
            return True
        case "never begun":
            return False
        case "closed early":
            async with stream:
                return await _some(stream, most, seen)
        case "dropped":
            return await _some(stream, most, seen)
        case _:
            async for text in stream:
                seen.append(text)
            return True


async def _some(stream: Stream, most: int, seen: list[str]) -> bool:
    async for text in stream:
        seen.append(text)
        if len(seen) > most:
            return False
    return True
