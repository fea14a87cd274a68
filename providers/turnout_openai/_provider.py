"""OpenAI's chat completions, at its own address or any other that speaks as it does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from turnout.errors import ProviderError, UnsupportedError
from turnout.provider import Provider, ProviderOptions
from turnout.types import ChatRequest, Event, Secret
from turnout_openai import _protocol
from turnout_openai._models import INFO

__all__ = ["OpenAI", "OpenAIOptions"]

_ADDRESS = "https://api.openai.com/v1"

_AFTERWORDS = 5.0
"""Seconds for what follows the reason why an answer ended: usage, and the mark."""

_REUSE = 0.02
"""Seconds for the body's end after the mark, so that the connection is kept."""


@dataclass(frozen=True, kw_only=True)
class OpenAIOptions(ProviderOptions):
    """The options of `OpenAI`."""

    base_url: str | None = _ADDRESS
    """Whom to ask; `/chat/completions` is put after it."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    """What `max_tokens` is called in a request.

    None means `max_completion_tokens` at OpenAI's own address, whose newer models
    refuse the older name, and `max_tokens` at any other, where the new name may be
    unknown.
    """


class OpenAI(Provider):
    """OpenAI's chat completions.

    The provider is verified against a server written from the documented protocol,
    and not against the live service.
    """

    info = INFO
    options_type = OpenAIOptions
    options: OpenAIOptions

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        """Answer a request.

        Raises:
            UnsupportedError: `extra` asks for several answers.
            AuthenticationError: There is no key, and one is needed.
            StreamTruncatedError: The answer ended without its end.
            ProtocolError: An event is no JSON object, or not of the protocol.
            StreamError: The service reported an error inside its answer that has no
                class of its own.
            TurnoutError: As `Http.post` does.
        """
        if request.extra.get("n") not in (None, 1):
            raise UnsupportedError(
                f"{self.info.name} gives one answer a request; leave n out of extra"
            )
        headers = self._headers()
        body = _protocol.body(request, self._max_tokens_field)
        async with self.http.post(
            _protocol.PATH, json=body, headers=headers
        ) as response:
            decoder = _protocol.Decoder(self.info.name, response.request_id)
            chunks = response.chunks()
            last: list[Event] = []
            try:
                async for chunk in chunks:
                    events = decoder.feed(chunk)
                    if events:
                        yield events
                    if decoder.ended:
                        break
            except ProviderError:
                last = decoder.close()
                # An end may have stood in what the lost connection had brought.
                if not decoder.ended:
                    raise
            else:
                if not decoder.done:
                    last = await _afterwords(chunks, decoder)
                last += decoder.close()
            if last:
                yield last
            if decoder.reported is not None:
                raise self.http.error_from(
                    decoder.reported, response, headers=headers, json=body
                )
            decoder.check()
            await response.finish(_REUSE)

    def _headers(self) -> dict[str, str | Secret]:
        headers: dict[str, str | Secret] = {"Accept": "text/event-stream"}
        key = self.api_key
        if key is None and self._needs_key:
            key = self.required_key()
        if key is not None:
            headers["Authorization"] = key.prefixed("Bearer ")
        return headers

    @property
    def _needs_key(self) -> bool:
        """Whether the service is asked at its own address; other servers need none."""
        own = self.info.options.get("base_url", _ADDRESS)
        return self.info.needs_key and self.options.base_url == own

    @cached_property
    def _max_tokens_field(self) -> str:
        from urllib.parse import urlsplit  # Not with the module, for its time.

        if self.options.max_tokens_field is not None:
            return self.options.max_tokens_field
        host = urlsplit(self.options.base_url or "").hostname or ""
        own = f".{host}".endswith(".openai.com")
        return "max_completion_tokens" if own else "max_tokens"


async def _afterwords(
    chunks: AsyncIterator[bytes], decoder: _protocol.Decoder
) -> list[Event]:
    """Read on after the reason why the answer ended, which makes it complete.

    Servers that keep the connection open, or cut it off in the end of the body, are
    met: nothing that goes wrong with the connection harms the answer any more.
    """
    import asyncio  # Not with the module, as it takes long to import.
    from contextlib import suppress

    events: list[Event] = []
    with suppress(ProviderError, TimeoutError):
        async with asyncio.timeout(_AFTERWORDS):
            async for chunk in chunks:
                events += decoder.feed(chunk)
                if decoder.done:
                    break
    return events
