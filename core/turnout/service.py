"""The base of providers for HTTP services: one request, and a streamed answer.

It has what is common to all protocols: how long an answer is read after its end, when
the end counts although the connection was lost, and when a key is needed.
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
"""Seconds to wait for usage and the end mark after the finish reason.

If text comes in this time, it is yielded at once and the answer continues.
"""

_HTTP = "turnout.http._client"
"""It takes long to import, so a thread imports it and the event loop does not wait."""

_LIST_BYTES = 8 * 1024 * 1024
"""How many bytes a list of models may have."""

_REUSE = 0.02
"""Seconds to wait for the body's end after the end mark, to keep the connection."""


class Call(NamedTuple):
    """What is sent for one request, and the decoder of its answer."""

    path: str
    """The path after `base_url`. Both are sent byte for byte, so percent-encode
    characters that an address cannot have."""
    body: Mapping[str, object]
    headers: Mapping[str, str | Secret]
    """Headers that do not depend on the rest of the request; `Service.sign` returns the
    others."""
    decoder: Callable[[str, str | None], Decoder]
    """Makes the decoder, from the provider's name and the request's id."""


class Service(Provider):
    """A service that answers a POST request with a stream.

    A subclass sets `info` and writes `call`, which names a `Decoder`; `generate` uses
    both. If requests are signed, it writes `sign` too. If its key is a token that
    expires, it writes `credentials`.
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
        """Return the state of a copy, without the token."""
        return {**super().__getstate__(), "_tokens": None}

    @abstractmethod
    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: The protocol cannot express the request.
            AuthenticationError: A key is needed and missing.
        """

    async def credentials(self) -> Token:
        """Request a new token, such as one of OAuth.

        Without this method there is no token, and `call` sends the key.
        It is called before the first request in each event loop, once for all streams
        that wait for it. It is called again shortly before the token expires, and if
        the service refuses it; the refused request is then sent once more. A cancelled
        stream does not cancel the request for a token while other streams wait for it.

        If the option `headers` has a header for the key, no token is requested.

        Raises:
            TurnoutError: No token was received. Each waiting stream gets the error, and
                the next request calls this again.
        """
        return Token(self.required_key())

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> Mapping[str, str | Secret]:
        """Return more headers of a request, made from its bytes.

        Called each time a request is sent. By default, a token goes into
        `Authorization`.

        Args:
            request: The request before it is sent: method, address, headers and body.
            token: The token of `credentials`; None without that method, or if the user
                gives a header for the key.
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
            base_url: The base of its relative addresses.
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
        """Return a signed request; a GET request without a body."""

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
            UnsupportedError: The protocol cannot express the request.
            AuthenticationError: A key is needed and missing.
            StreamTruncatedError: The answer stopped before its end.
            ProtocolError: An event does not match the protocol.
            StreamError: The service reported an error inside its answer that does not
                have its own class.
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
                # Whether the finish reason has come, and usage and mark may follow.
                ending = False
                try:
                    async for chunk in chunks:
                        events = decoder.feed(chunk)
                        if response.ended:
                            # The body is complete: yield all of it at once.
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
                    # The bytes before the connection was lost may have the end.
                    if not decoder.ended:
                        if last:
                            yield last
                        raise
                except BaseException as error:
                    # If a timer cancelled it, the answer is still complete.
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
            # Tracebacks may show the locals: the prompt, and what the service repeats.
            del request, body, chunk, events, last

    async def fetch(
        self, path: str, headers: Mapping[str, str | Secret] | None = None
    ) -> object:
        """Return the JSON that answers a GET request, such as a list of models.

        Args:
            path: The path after `base_url`.
            headers: Headers, with the key if there is one. Those of `sign` are added.

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
        """Return what to do about an error; it is added to the error's message.

        It is for advice that is specific to this provider; None if there is none.

        Args:
            error: The error of a request.
            model: The model of the request; empty without one.
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
        """Return the key; None if it is missing and not needed.

        With `needs_key`, a service needs a key at its own address; a service without
        its own address needs it at every address. A compatible server at another
        address may not need one. No key is needed either if the option `headers` has a
        header for it, such as `Authorization`.

        Raises:
            AuthenticationError: A key is needed and missing.
        """
        key = self.api_key
        if key is not None or not self.needs_key:
            return key
        return None if self.brings_credential else self.required_key()


def _is_cancelled(error: BaseException) -> bool:
    import asyncio  # Not imported with the module, because it takes long.

    return isinstance(error, asyncio.CancelledError)


def _end_seen(events: list[Event]) -> BaseException:
    from turnout._waiter import EndSeenError

    return EndSeenError(events)
