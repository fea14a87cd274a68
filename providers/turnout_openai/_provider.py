"""OpenAI's chat completions, at its own address or any other that speaks as it does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from turnout.errors import UnsupportedError
from turnout.provider import ProviderOptions
from turnout.service import Call, Service
from turnout.types import ChatRequest, Secret
from turnout_openai import _protocol
from turnout_openai._models import INFO

__all__ = ["OpenAI", "OpenAIOptions"]

_ADDRESS = "https://api.openai.com/v1"


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


class OpenAI(Service):
    """OpenAI's chat completions.

    The provider is verified against a server written from the documented protocol,
    and not against the live service.
    """

    info = INFO
    options_type = OpenAIOptions
    options: OpenAIOptions

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: `extra` asks for several answers.
            AuthenticationError: There is no key, and one is needed.
        """
        if request.extra.get("n") not in (None, 1):
            raise UnsupportedError(
                f"{self.info.name} gives one answer a request; leave n out of extra"
            )
        headers: dict[str, str | Secret] = {"Accept": "text/event-stream"}
        key = self.key()
        if key is not None:
            headers["Authorization"] = key.prefixed("Bearer ")
        body = _protocol.body(request, self._max_tokens_field)
        return Call(_protocol.PATH, body, headers, _protocol.Decoder)

    @cached_property
    def _max_tokens_field(self) -> str:
        from urllib.parse import urlsplit  # Not with the module, for its time.

        if self.options.max_tokens_field is not None:
            return self.options.max_tokens_field
        host = urlsplit(self.options.base_url or "").hostname or ""
        own = f".{host}".endswith(".openai.com")
        return "max_completion_tokens" if own else "max_tokens"
