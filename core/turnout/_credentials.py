"""The token of a service, shared by the streams of an event loop, renewed in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from types import TracebackType
from typing import TYPE_CHECKING, cast

from turnout._frozen import frozen
from turnout._loops import LoopLocal
from turnout.errors import (
    AuthenticationError,
    PluginError,
    ProviderError,
    TurnoutError,
)
from turnout.types import Secret

if TYPE_CHECKING:
    import asyncio

    from turnout.http import Response

__all__ = ["Authorized", "Token", "TokenSource"]

_EARLY = 300.0
"""Seconds before its expiry that a token is renewed, but not before nine tenths of its
lifetime have passed."""


@frozen(kw_only=False)
class Token:
    """What a service's `credentials` returns; a subclass may have more fields.

    Raises:
        ValueError: The value cannot be sent, or `expires_in` is not a number.
    """

    value: Secret
    expires_in: float | None = field(default=None, kw_only=True)
    """Seconds. None means that the token is used until the service refuses it."""

    def __post_init__(self) -> None:
        value = self.value.reveal()
        if not value or not value.isprintable() or value.strip() != value:
            raise ValueError(
                "the token is empty, or has a line break, a space at an end or a "
                "control character; pass only the token"
            )
        life = cast("object", self.expires_in)
        if not isinstance(life, int | float | None):
            raise ValueError(
                f"expires_in={life!r} is not a number; pass seconds, or None"
            )


class _Kept:
    """The token of one event loop."""

    __slots__ = ("asking", "expires", "renews", "token")

    def __init__(self) -> None:
        self.token: Token | None = None
        # In the loop's seconds.
        self.renews = self.expires = 0.0
        self.asking: _Asking | None = None


class _Asking:
    """A request for a token, and how many streams wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[Token | Exception]) -> None:
        self.task = task
        self.waiting = 0


class TokenSource:
    """Request a token once for all the streams that need one.

    Args:
        provider: The provider's name, for errors.
        ask: Returns a new token.
    """

    def __init__(self, provider: str, ask: Callable[[], Awaitable[Token]]) -> None:
        self._provider = provider
        self._ask = ask
        self._loops: LoopLocal[_Kept] = LoopLocal()

    async def get(self, refused: Token | None = None) -> Token:
        """Return a token that has not expired.

        If the caller is cancelled, the request for a token continues for the other
        callers that wait for it. The last one of them cancels the request too.

        Args:
            refused: A token that the service refused, to be replaced.

        Raises:
            TurnoutError: The request for a token failed. The next call sends another.
        """
        import asyncio  # Here, as it takes long to import.

        loop = asyncio.get_running_loop()
        kept = self._loops.get(loop)
        if kept is None:
            self._loops.discard_closed()
            kept = _Kept()
            self._loops.set(loop, kept)
        token = kept.token
        if token is not None and token is not refused and loop.time() < kept.renews:
            return token
        outcome = await self._shared(kept, loop)
        if isinstance(outcome, Token):
            return outcome
        if token is not None and token is not refused and loop.time() < kept.expires:
            return token
        raise _copied(outcome)

    async def _shared(
        self, kept: _Kept, loop: asyncio.AbstractEventLoop
    ) -> Token | Exception:
        import asyncio

        asking = kept.asking
        if asking is not None and asking.task is asyncio.current_task():
            raise PluginError(
                f"credentials of {self._provider} sends a request that itself needs a "
                "token; use http_at or http there"
            )
        if asking is None:
            asking = kept.asking = _Asking(loop.create_task(self._renew(kept, loop)))
        task = asking.task
        asking.waiting += 1
        try:
            await asyncio.wait({task})
        finally:
            asking.waiting -= 1
            if kept.asking is asking and (task.done() or not asking.waiting):
                task.cancel()
                kept.asking = None
        if task.cancelled():
            return AuthenticationError(
                f"{self._provider}: the request for a token was cancelled",
                provider=self._provider,
            )
        return task.result()

    async def _renew(
        self, kept: _Kept, loop: asyncio.AbstractEventLoop
    ) -> Token | Exception:
        try:
            token = await self._ask()
        except Exception as error:  # noqa: BLE001 Each waiting caller raises it.
            return error
        if not isinstance(cast("object", token), Token):
            return PluginError(
                f"credentials of {self._provider} returned a {type(token).__name__}; "
                "return a turnout.service.Token"
            )
        now = loop.time()
        life = float("inf") if token.expires_in is None else token.expires_in
        kept.token = token
        kept.expires = now + life
        kept.renews = now + max(life - _EARLY, 0.9 * life)
        return token


def _copied(error: Exception) -> Exception:
    """Return a copy of an error for one caller, as an error belongs to one request."""
    if not isinstance(error, TurnoutError):
        return error
    from copy import copy

    own = copy(error).with_traceback(error.__traceback__)
    own.__cause__ = error.__cause__
    if isinstance(own, ProviderError):
        own.advise("this was the request for a token")
    return own


class Authorized:
    """A request with the service's token; sent once more if the token is refused.

    Args:
        source: Returns the token.
        send: Returns a context manager that sends the request with a token.
    """

    __slots__ = ("_request", "_send", "_source")

    def __init__(
        self,
        source: TokenSource,
        send: Callable[[Token], AbstractAsyncContextManager[Response]],
    ) -> None:
        self._source = source
        self._send = send
        self._request: AbstractAsyncContextManager[Response] | None = None

    async def __aenter__(self) -> Response:
        token = await self._source.get()
        try:
            return await self._open(token)
        except ProviderError as error:
            # Not for subclasses, as a new token has the same permissions.
            if error.status_code != 401 and type(error) is not AuthenticationError:
                raise
        # Outside the handler, so that a second error has no `__context__`.
        return await self._open(await self._source.get(refused=token))

    async def _open(self, token: Token) -> Response:
        self._request = self._send(token)
        return await self._request.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._request is not None
        await self._request.__aexit__(kind, error, traceback)
