"""Routes: ordered lists of targets with the interface of one provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, Unpack, overload

from turnout._record import Record
from turnout._validation import checked
from turnout.errors import ArgumentError, ConfigError
from turnout.provider import BoundTarget
from turnout.routes._candidate import RouteTarget
from turnout.routes._health import Health
from turnout.routes._hedging import HedgeShare
from turnout.routes._policy import Policy
from turnout.streams import Reader, Stream
from turnout.types import ChatRequest, Conversation, Reply, RequestOptions, Target

if TYPE_CHECKING:
    from turnout._waiter import Waiter
    from turnout.routes._driver import RouteReader
    from turnout.types._request import FreeOptions

__all__ = ["Order", "Route"]

T = TypeVar("T")

Order: TypeAlias = Callable[[Sequence[Target], ChatRequest], Sequence[Target]]
"""Returns a route's targets in the order for one request."""


class Route:
    """Try a list of targets in order, until one answers.

    If a target fails before its first delta, the next one is tried, and the caller does
    not see the failure. The policy defines for which errors.

    A route can be copied and pickled if its providers can. A copy is not entered. If
    the route uses the process's health, a copy uses that of the process where it is
    made.

    Args:
        targets: In the order in which they are tried.
        policy: Fields of `Policy`.
        order: Called for each request to get another order.
        health: The health of targets; None means one that only this route uses.
        name: For hooks and observers; None means the names of its targets.

    Raises:
        ConfigError: There are no targets, or the policy is wrong.
    """

    def __init__(
        self,
        targets: Sequence[BoundTarget],
        policy: Mapping[str, object] | None = None,
        *,
        order: Order | None = None,
        health: Health | None = None,
        name: str | None = None,
    ) -> None:
        if not targets:
            raise ConfigError("a route needs at least one target; add one")
        self.targets = tuple(targets)
        self.name = name or " -> ".join(str(bound.target) for bound in self.targets)
        """The name by which it was requested, or the names of its targets."""
        self.policy = checked(Policy, policy or {}, "policy of a route")
        self._order = order
        self.find_health: Callable[[], Health] | None = None
        """Returns the health that all routes of the process share, for a copy; set with
        `health`. None means that a copy has a health of its own."""
        self.find_order: Callable[[], Order | None] | None = None
        """Returns the order, or None. Called for each request, so that plugins that are
        loaded later are used too. None means that `order` is used."""
        self._begin(Health() if health is None else health)

    def _begin(self, health: Health) -> None:
        """Set the attributes that are not copied."""
        self._share = None if self.policy.hedge_after is None else HedgeShare()
        self._route_targets = [RouteTarget(bound, health) for bound in self.targets]
        self._has_options = any(target.fields for target in self._route_targets)
        self._open: list[AsyncExitStack] = []

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes that are copied: targets, policy and order."""
        begun = {"_share", "_route_targets", "_has_options", "_open"}
        return {name: one for name, one in vars(self).items() if name not in begun}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin(Health() if self.find_health is None else self.find_health())

    @overload
    def stream(
        self,
        messages: Conversation,
        *,
        response_format: type[T],
        **options: Unpack[FreeOptions],
    ) -> Stream[T]: ...

    @overload
    def stream(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Stream: ...

    def stream(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Stream:
        """Return the answer as a stream. Nothing is sent until it is read.

        Args:
            messages: A text, a message, or a sequence of them.
            options: Those of a provider's `stream`, without `model`.

        Raises:
            ArgumentError: A message or an option cannot be used.
        """
        if options.get("model") is not None:
            raise ArgumentError(
                "model cannot be set for a route, since its targets have their models; "
                "leave model out"
            )
        given: list[str] | None = None
        if self._has_options:
            given = [name for name, value in options.items() if value is not None]
        # So the first target needs no copy of the request.
        options["model"] = self.targets[0].model or None
        request = ChatRequest.build(messages, **options)

        def source(record: Record, waiter: Waiter) -> Reader:
            record.route = self.name
            targets, policy, share = self._ordered(request), self.policy, self._share
            return _reader_type()(
                targets, request, policy, record, waiter, share, given
            )

        return Stream(source)

    @overload
    async def complete(
        self,
        messages: Conversation,
        *,
        response_format: type[T],
        **options: Unpack[FreeOptions],
    ) -> Reply[T]: ...

    @overload
    async def complete(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Reply: ...

    async def complete(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Reply:
        """Return the whole answer of `stream`.

        Cancelling closes the connection.

        Raises:
            FallbackError: Every target failed.
            TurnoutError: As `stream` and reading it do.
        """
        stream = self.stream(messages, **options)
        del messages, options  # A traceback may show the locals.
        return await stream.collect()

    async def __aenter__(self) -> Self:
        """Keep connections open until the end of the block."""
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
        """Close the connections that entering opened."""
        while self._open:
            await self._open.pop().aclose()

    def __repr__(self) -> str:
        return f"<Route {' -> '.join(str(bound.target) for bound in self.targets)}>"

    def _ordered(self, request: ChatRequest) -> Sequence[RouteTarget]:
        order = self._order if self.find_order is None else self.find_order()
        if order is None:
            return self._route_targets
        # A target may be in a route twice, by providers with other options.
        names = tuple(dict.fromkeys(bound.target for bound in self.targets))
        ordered = [
            one
            for name in order(names, request)
            for one in self._route_targets
            if one.bound.target == name
        ]
        return ordered or self._route_targets


@cache
def _reader_type() -> type[RouteReader]:
    # Imported with the first stream, like asyncio, since it takes long.
    from turnout.routes._driver import RouteReader

    return RouteReader
