"""An ordered list of targets that answers as one provider does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, Unpack

from turnout._record import Record
from turnout._validation import checked
from turnout.errors import ArgumentError, ConfigError
from turnout.provider import BoundTarget
from turnout.routes._health import HealthStore, MemoryHealth
from turnout.routes._policy import Policy
from turnout.routes._standing import Member
from turnout.stream import Reader, Stream
from turnout.types import (
    ChatRequest,
    Conversation,
    Reply,
    RequestOptions,
    Target,
)

if TYPE_CHECKING:
    from turnout._waiter import Waiter
    from turnout.routes._driver import RouteReader

__all__ = ["Order", "Route"]

Order: TypeAlias = Callable[[Sequence[Target], ChatRequest], Sequence[Target]]
"""Gives a route's targets in another order for one request."""


class Route:
    """Ask a list of targets in order, until one answers.

    Nothing is shown of a target that fails before its first delta: the next one is
    asked at once. Which errors are met so is `turnout.fallback`'s policy.

    Args:
        targets: In the order in which they are asked.
        policy: Fields of `Policy`.
        order: Asked for another order at each request.
        health: Where it is kept how targets fare; None means for this route alone.

    Raises:
        ConfigError: There are no targets, or the policy is wrong.
    """

    def __init__(
        self,
        targets: Sequence[BoundTarget],
        policy: Mapping[str, object] | None = None,
        *,
        order: Order | None = None,
        health: HealthStore | None = None,
    ) -> None:
        if not targets:
            raise ConfigError("a route needs a target; name one at least")
        self.targets = tuple(targets)
        self.policy = checked(Policy, policy or {}, "policy of a route")
        self._order = order
        store = MemoryHealth() if health is None else health
        hedging = self.policy.hedging
        self._share = hedging.counted() if hedging.enabled else None
        self._members = [Member(bound, store) for bound in self.targets]
        self._open: list[AsyncExitStack] = []

    def stream(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Stream:
        """Ask, and return the answer as a stream. Nothing is sent until it is read.

        Args:
            messages: A text, a message, or a sequence of them.
            options: As a provider's `stream` takes them, without `model`.

        Raises:
            ArgumentError: A message or an option cannot be used.
        """
        if options.get("model") is not None:
            raise ArgumentError(
                "the targets of a route have their models; leave model out"
            )
        # Of the first target's model, which then need not be set once more.
        options["model"] = self.targets[0].model or None
        request = ChatRequest.build(messages, **options)

        def source(record: Record, waiter: Waiter) -> Reader:
            members = self._ordered(request)
            return _reader_type()(
                members, request, self.policy, record, waiter, self._share
            )

        return Stream(source)

    async def complete(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Reply:
        """Ask, and return the whole answer. Cancelling closes the connection.

        Args:
            messages: A text, a message, or a sequence of them.
            options: As a provider's `stream` takes them, without `model`.

        Raises:
            FallbackError: Every target failed.
            TurnoutError: As `stream` and reading it do.
        """
        stream = self.stream(messages, **options)
        del messages, options  # A traceback may show the locals.
        return await stream.collect()

    async def __aenter__(self) -> Self:
        """Keep connections of the route's own until the block is left."""
        async with AsyncExitStack() as stack:
            for provider in {id(b.provider): b.provider for b in self.targets}.values():
                await stack.enter_async_context(provider)
            self._open.append(stack.pop_all())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open:
            await self._open.pop().aclose()

    async def aclose(self) -> None:
        """Close what entering opened."""
        while self._open:
            await self._open.pop().aclose()

    def __repr__(self) -> str:
        return f"<Route {' -> '.join(str(bound.target) for bound in self.targets)}>"

    def _ordered(self, request: ChatRequest) -> Sequence[Member]:
        if self._order is None:
            return self._members
        # One target may stand here twice, by providers with other options.
        names = tuple(dict.fromkeys(bound.target for bound in self.targets))
        ordered = [
            member
            for name in self._order(names, request)
            for member in self._members
            if member.bound.target == name
        ]
        return ordered or self._members


@cache
def _reader_type() -> type[RouteReader]:
    # With the first stream, as asyncio is; and once, for what the statement costs.
    from turnout.routes._driver import RouteReader

    return RouteReader
