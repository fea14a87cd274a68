"""FlowGPT: the anonymous chat behind flowgpt.com."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar, cast

from turnout.errors import StreamTruncatedError
from turnout.provider import Provider, ProviderOptions
from turnout.stream import Stream
from turnout.types import ChatRequest, Conversation, RequestOptions
from turnout_flowgpt import _protocol
from turnout_flowgpt._models import INFO

__all__ = ["FlowGpt", "FlowGptOptions", "TextStream"]


@dataclass(frozen=True, kw_only=True)
class FlowGptOptions(ProviderOptions):
    """The options of `FlowGpt`; `api_key` is a token, which no caller needs."""

    base_url: str | None = "https://prod-backend-k8s.flowgpt.com"
    """Whom to ask; the path stays."""


class FlowGpt(Provider):
    """FlowGPT's anonymous chat, which needs no key.

    The provider is verified against a server that enforces the protocol as it is
    documented, and not against the live service. It says `working = False`, as the
    client that the protocol was learnt from does since October 2024.
    """

    info = INFO
    options_type = FlowGptOptions

    url: ClassVar[str | None] = INFO.url
    working: ClassVar[bool] = INFO.working
    supports_message_history: ClassVar[bool] = INFO.capabilities.history
    supports_system_message: ClassVar[bool] = INFO.capabilities.system
    default_model: ClassVar[str] = INFO.first_model
    models: ClassVar[list[str]] = [model.name for model in INFO.model_infos]
    model_aliases: ClassVar[Mapping[str, str]] = INFO.aliases

    _device_id: str | None = None

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[str]]:
        """Answer a request.

        Raises:
            StreamTruncatedError: The answer has no provable end.
            ProtocolError: A line of the answer is no JSON object.
            TurnoutError: As `Http.post` does.
        """
        if self._device_id is None:
            self._device_id = _protocol.new_device_id()
        # A function, as a nonce is never sent twice.
        headers = partial(
            _protocol.headers,
            device_id=self._device_id,
            clock=time.time,
            token=self.api_key,
        )
        body = _protocol.body(request)
        del request  # A traceback may show the locals; the prompt is in `body` too.
        decoder = _protocol.Decoder(self.options.max_event_bytes)
        chunk = b""
        try:
            async with self.http.post(
                _protocol.PATH, json=body, headers=headers
            ) as response:
                async for chunk in response.chunks():
                    yield decoder.feed(chunk)
                    decoder.check()
                # There is no terminal event: the end of the body is the end of the
                # answer, and proves something only where the body's framing does.
                if not response.framed:
                    raise StreamTruncatedError(
                        "FlowGPT's answer has neither a length nor chunks, so that its "
                        "end may be a lost connection"
                    )
                last = decoder.close()
                if last:
                    yield last
                decoder.check()
        finally:
            del body, chunk
        if decoder.empty:
            raise StreamTruncatedError("FlowGPT sent an empty answer")

    @classmethod
    def create_async_generator(
        cls,
        model: str | None,
        messages: Conversation,
        proxy: str | None = None,
        temperature: float | None = 0.7,
        **kwargs: object,
    ) -> TextStream:
        """Ask, and return the pieces of the answer, to be iterated; also awaitable.

        Both work: `async for piece in FlowGpt.create_async_generator(...)`, and
        `generator = await FlowGpt.create_async_generator(...)` before it.

        Args:
            model: A model or an alias; None or an empty text is the default one.
            messages: A conversation, as `stream` takes it.
            proxy: The address of an HTTP proxy.
            temperature: Between 0 and whatever the model accepts.
            kwargs: Options of the provider (`base_url`, timers) and of the request
                (`max_tokens`, ...) as such; the rest goes into the body as `extra`.

        Raises:
            TurnoutError: As `stream` does.
        """
        options = {field.name for field in fields(cls.options_type)}
        known = RequestOptions.__annotations__.keys()
        # `deadline` is both; what a call sets is the request's.
        configured = {k: v for k, v in kwargs.items() if k in options - known}
        asked = {k: v for k, v in kwargs.items() if k in known}
        extra = dict(cast("Mapping[str, object]", asked.pop("extra", None) or {}))
        extra |= {k: v for k, v in kwargs.items() if k not in options | known}
        if proxy is not None:
            configured["proxy"] = proxy
        asked |= {"model": model or None, "temperature": temperature, "extra": extra}
        provider = cls(**cast("dict[str, Any]", configured))
        return TextStream(provider.stream(messages, **cast("RequestOptions", asked)))


class TextStream:
    """The pieces of an answer: iterated as it is, or once it was awaited."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[str]:
        return aiter(self._stream)

    def __await__(self) -> Generator[object, None, AsyncIterator[str]]:
        return self._begin().__await__()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def _begin(self) -> AsyncIterator[str]:
        return aiter(self)
