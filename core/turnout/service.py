"""A provider that is a service: one request over HTTP, and an answer that streams.

What the protocols have in common beside their bytes: when an answer is read on, when
its end counts in spite of the connection, and where a key is needed.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from turnout._credentials import Authorized, Token, TokenSource
from turnout._loops import import_in_thread, running_loop
from turnout.decoding import Decoder
from turnout.errors import ModelUnavailableError, ProviderError
from turnout.provider import Provider
from turnout.types import ChatRequest, Event, Secret

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from turnout.http import Http, Response, UnsignedRequest

__all__ = ["Call", "Service", "Token"]

_AFTERWORDS = 5.0
"""Seconds to wait for usage and the end mark after the reason why an answer ended.

Text that comes in this time is given at once, and the answer goes on.
"""

_HTTP = "turnout.http._client"
"""Takes long to import, so that the event loop is not to wait for it."""

_LIST_BYTES = 8 * 1024 * 1024
"""How many bytes a list of models may have."""

_REUSE = 0.02
"""Seconds for the body's end after the mark, so that the connection is kept."""


class Call(NamedTuple):
    """What is sent for one request, and who reads what comes back."""

    path: str
    """After `base_url`. Both are sent byte for byte: what an address cannot have is
    percent-encoded already."""
    body: Mapping[str, object]
    headers: Mapping[str, str | Secret]
    """Those that do not depend on the rest of the request; for the others there is
    `Service.sign`."""
    decoder: Callable[[str, str | None], Decoder]
    """Makes the decoder, of the provider's name and the request's id."""


class Service(Provider):
    """A service that answers a POST request with a stream.

    A subclass sets `info` and writes `call`; its decoder is a `Decoder`, which does no
    I/O. `generate` comes of that. If requests are signed, it writes `sign` too, and if
    its key is a token that expires, `credentials`.
    """

    _has_credentials: ClassVar[bool] = False
    _signs: ClassVar[bool] = False
    _tokens: TokenSource | None = None

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.lets_cancellation_pass = cls.generate is Service.generate
        cls._has_credentials = cls.credentials is not Service.credentials
        cls._signs = cls._has_credentials or cls.sign is not Service.sign

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy begins with: it has no token."""
        return {**super().__getstate__(), "_tokens": None}

    @abstractmethod
    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: The protocol cannot say what is asked.
            AuthenticationError: There is no key, and one is needed.
        """

    async def credentials(self) -> Token:
        """Ask for a new token, such as OAuth's.

        If it is not written, there is no token, and `call` sends the key.
        Called before the first request in each event loop, once for all streams that
        wait for it; again shortly before the token expires, and if the service refuses
        it. The refused request is sent again, once. Streams that are cancelled do not
        cancel the request for a token while others wait for it.

        If the option `headers` has a header for the key, no token is asked for.

        Raises:
            TurnoutError: There is none. Each stream that waits gets the error, and the
                next request asks again.
        """
        return Token(self.required_key())

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> Mapping[str, str | Secret]:
        """Return further headers of a request, made from its bytes.

        Called each time a request is sent. By default, a token goes into
        `Authorization`.

        Args:
            request: What is about to be sent: method, address, headers and body.
            token: What `credentials` returned; None if that is not written, or if the
                user gives a header for the key.
        """
        del request
        if token is None:
            return {}
        return {"Authorization": token.value.prefixed("Bearer ")}

    def http_at(self, base_url: str, *, key: str = "its credential") -> Http:
        """Return a client for another address, such as that of a token.

        It has the same proxy, TLS, timers and connections. Secrets among the headers of
        its requests are sent to the origin of `base_url`. The option `headers` is not
        sent there.

        Args:
            base_url: What its relative addresses are relative to.
            key: Where the credential for that address comes from, for errors.
        """
        from dataclasses import replace

        from turnout.http._status_rules import TOKEN_RULES

        return replace(
            self.http,
            base_url=base_url,
            headers={},
            key=key,
            status_rules=TOKEN_RULES,
        )

    def _sending(
        self, path: str, headers: Mapping[str, str | Secret], json: object = None
    ) -> AbstractAsyncContextManager[Response]:
        """Return a request that is signed; a GET request if there is no body."""

        def send(token: Token | None) -> AbstractAsyncContextManager[Response]:
            sign = partial(self.sign, token=token)
            if json is None:
                return self.http.get(path, headers=headers, sign=sign)
            return self.http.post(path, json=json, headers=headers, sign=sign)

        if not self._has_credentials or self.brings_credential:
            return send(None)
        if self._tokens is None:
            self._tokens = TokenSource(self.info.name, self.credentials)
        return Authorized(self._tokens, send)

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        """Answer a request.

        Raises:
            UnsupportedError: The protocol cannot say what is asked.
            AuthenticationError: There is no key, and one is needed.
            StreamTruncatedError: The answer ended without its end.
            ProtocolError: An event is not of the protocol.
            StreamError: The service reported an error inside its answer that has no
                class of its own.
            TurnoutError: As `Http.post` does.
        """
        if self._http is None:
            await import_in_thread(_HTTP)
        path, body, headers, decoder_of = self.call(request)
        model = request.model
        chunk = b""
        events: list[Event] = []
        last: list[Event] = []
        try:
            async with (
                self._sending(path, headers, body)
                if self._signs
                else self.http.post(path, json=body, headers=headers)
            ) as response:
                decoder = decoder_of(self.info.name, response.request_id)
                if self.options.max_event_bytes != decoder.max_event_bytes:
                    decoder.limit(self.options.max_event_bytes)
                if decoder.ends_with_body:
                    decoder.framed = response.framed
                chunks = response.chunks()
                # Whether the end was seen, so that its usage and mark are waited for.
                ending = False
                try:
                    async for chunk in chunks:
                        events = decoder.feed(chunk)
                        if response.ended:
                            # Nothing is to be waited for: all of it in one turn.
                            events += decoder.close()
                        if events:
                            yield events
                        if decoder.done:
                            break
                        if decoder.ended:
                            if decoder.closed:
                                break
                            if events or not ending:
                                ending = True
                                response.hurry(_AFTERWORDS)
                        elif ending:
                            ending = False
                            response.hurry(math.inf)
                    last = decoder.close()
                except ProviderError:
                    decoder.framed = False
                    last = decoder.close()
                    # An end may have stood in what the lost connection had brought.
                    if not decoder.ended:
                        if last:
                            yield last
                        raise
                except BaseException as error:
                    # If a timer is the reason, the answer is complete all the same.
                    if decoder.ended and _is_cancelled(error):
                        raise _end_seen(decoder.close()) from None
                    raise
                if last:
                    yield last
                if decoder.reported is not None:
                    raise self.http.error_from(decoder.reported, response, json=body)
                decoder.check()
                await response.finish(_REUSE)
        except ProviderError as error:
            self._advise(error, model)
            raise
        finally:
            # Tracebacks may show the locals: the prompt, and what the service echoes.
            del request, body, chunk, events, last

    async def fetch(
        self, path: str, headers: Mapping[str, str | Secret] | None = None
    ) -> object:
        """Return the JSON that a GET request is answered with, as a list of models is.

        Args:
            path: After `base_url`.
            headers: With the key, if any. What `sign` returns is added.

        Raises:
            TurnoutError: As `Http.get` does; with the provider's advice.
        """
        running_loop()
        if self._http is None:
            await import_in_thread(_HTTP)
        try:
            async with self._sending(path, headers or {}) as response:
                return await response.json(max_bytes=_LIST_BYTES)
        except ProviderError as error:
            self._advise(error, "")
            raise

    def advice(self, error: ProviderError, model: str) -> str | None:
        """Return what to do about an error, to be added to its message.

        For what only this provider's users can do; None where there is no such thing.

        Args:
            error: What came of a request.
            model: The model that was asked for; empty where none was.
        """
        del error, model
        return None

    def _advise(self, error: ProviderError, model: str) -> None:
        advice = self.advice(error, model)
        if advice is not None:
            error.advise(advice)
        if isinstance(error, ModelUnavailableError) and model:
            meant = self.catalog.meant(model)
            if meant is not None:
                error.advise(f"did you mean {meant!r}?")

    def key(self) -> Secret | None:
        """Return the key; None if there is none and none is needed.

        A service needs one at its own address if it says so, and one that has no
        address of its own needs it wherever it is. A server that speaks as it does at
        another address may need none. None is needed either if the option `headers`
        has a header for it, such as `Authorization`.

        Raises:
            AuthenticationError: There is none, and one is needed.
        """
        key = self.api_key
        if key is not None or not self.needs_key:
            return key
        return None if self.brings_credential else self.required_key()


def _is_cancelled(error: BaseException) -> bool:
    import asyncio  # Not with the module, as it takes long to import.

    return isinstance(error, asyncio.CancelledError)


def _end_seen(events: list[Event]) -> BaseException:
    from turnout._waiter import EndSeenError

    return EndSeenError(events)
