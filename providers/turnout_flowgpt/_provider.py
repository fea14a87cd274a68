"""FlowGPT: the anonymous chat behind flowgpt.com."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from turnout.generators import AsyncGeneratorProvider, ProviderModelMixin, TextStream
from turnout.provider import ProviderOptions
from turnout.service import Call, Service, Token
from turnout.types import ChatRequest, Conversation, Secret
from turnout_flowgpt import _protocol
from turnout_flowgpt._models import INFO

if TYPE_CHECKING:
    from turnout.http import UnsignedRequest

__all__ = ["FlowGpt", "FlowGptOptions"]


@dataclass(frozen=True, kw_only=True)
class FlowGptOptions(ProviderOptions):
    """The options of `FlowGpt`; `api_key` is a token, which is optional."""

    base_url: str | None = "https://prod-backend-k8s.flowgpt.com"
    """The service's address; the path is appended."""


class FlowGpt(Service, AsyncGeneratorProvider, ProviderModelMixin):
    """FlowGPT's anonymous chat, which needs no key.

    The provider is verified against a server that enforces the protocol as it is
    documented, and not against the live service. It has `working = False`, like the
    client that is the source of the protocol since October 2024.
    """

    info = INFO
    options_type = FlowGptOptions

    @cached_property
    def _device_id(self) -> str:
        return _protocol.new_device_id()

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request."""
        headers = _protocol.headers(device_id=self._device_id, token=self.api_key)
        return Call(_protocol.PATH, _protocol.body(request), headers, _protocol.Decoder)

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> Mapping[str, str | Secret]:
        """Return the signature of a request; each try has a new one."""
        del token  # The key is in the headers.
        return _protocol.proof(request.headers, clock=time.time)

    @classmethod
    def create_async_generator(
        cls,
        model: str | None,
        messages: Conversation,
        proxy: str | None = None,
        temperature: float | None = _protocol.DEFAULT_TEMPERATURE,
        **kwargs: object,
    ) -> TextStream:
        """Send a request, and return the pieces of the answer.

        Args:
            model: A model or an alias; None or an empty string means the default model.
            messages: A conversation, as `stream` takes it.
            proxy: The address of an HTTP proxy.
            temperature: From 0 to the model's maximum.
            kwargs: See `AsyncGeneratorProvider.create_async_generator`.

        Raises:
            TurnoutError: As `stream` does.
        """
        return super().create_async_generator(
            model, messages, proxy, temperature, **kwargs
        )
