"""Ollama's own chat protocol, on this machine, on another, or at ollama.com."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

from turnout.decoding import OddEventError
from turnout.errors import (
    ConnectError,
    ModelUnavailableError,
    ProtocolError,
    ProviderError,
    UnsupportedError,
)
from turnout.provider import ProviderOptions
from turnout.service import Call, Service
from turnout.types import ChatRequest, ModelInfo, Secret
from turnout_ollama._address import CLOUD, VARIABLE, address_of
from turnout_ollama._body import PATH, body
from turnout_ollama._models import INFO, listed
from turnout_ollama._protocol import Decoder

__all__ = ["Ollama", "OllamaOptions"]

_LIST = "/api/tags"

_START = (
    "Ollama does not run there: start it with `ollama serve`, or set its address "
    f"with base_url or {VARIABLE}"
)


@dataclass(frozen=True, kw_only=True)
class OllamaOptions(ProviderOptions):
    """The options of `Ollama`."""

    base_url: str | None = None
    """The address of the server; `/api/chat` is appended.

    None means the variable `OLLAMA_HOST`, or else a server on this machine.
    """
    first_delta_timeout: float = 300.0
    """Seconds to the first increment of an answer.

    A server first loads the model if it is not in memory. By default it gives up a load
    that makes no progress for five minutes (`OLLAMA_LOAD_TIMEOUT`).
    """
    idle_timeout: float = 120.0
    """Seconds without a byte: nothing is sent while a tool call is written."""
    stall_timeout: float = 120.0
    """Seconds without an increment, after the first."""

    def __post_init__(self) -> None:
        if self.base_url is None:
            object.__setattr__(self, "base_url", address_of(self.variable(VARIABLE)))
        super().__post_init__()


class Ollama(Service):
    """Ollama.

    The provider is verified against a server written from the documented protocol and
    against an independent mock server, and not against Ollama itself.
    """

    info = INFO
    options_type = OllamaOptions
    options: OllamaOptions

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: No model is named, or the protocol cannot express the
                request.
            ArgumentError: `options` in `extra` is not a mapping.
        """
        if not request.model:
            raise UnsupportedError(
                f"{self.info.name} has no default model; name one that it has, as in "
                f"model='llama3.2' or {self.info.name}:llama3.2"
            )
        headers = {"Accept": "application/x-ndjson", **self._credentials}
        return Call(PATH, body(request), headers, Decoder)

    def advice(self, error: ProviderError, model: str) -> str | None:
        """Return the advice if Ollama does not run, or does not have the model."""
        from urllib.parse import urlsplit  # Imported here, since the import is slow.

        message = str(error)
        if isinstance(error, ConnectError):
            refused = os.strerror(errno.ECONNREFUSED) in message
            return _START if refused and "the proxy" not in message else None
        if isinstance(error, ModelUnavailableError):
            address = urlsplit(self.options.base_url or "")
            # An unknown path has the same status.
            missing = "model" in message.partition("(status 404)")[2]
            if model and missing and address.hostname != CLOUD:
                return f"get it with `ollama pull {model}`"
            path = address.path.rstrip("/")
            if path and not missing:
                return (
                    f"{PATH} is appended to the address; remove {path!r} from base_url "
                    f"or {VARIABLE}"
                )
        return None

    async def list_models(self) -> Sequence[ModelInfo]:
        """Return the models that the server has, without those that do not chat.

        Newer servers also send each model's context window, and whether it takes tools
        and images. Older servers send only the names.

        Raises:
            ProtocolError: The list is not of the protocol.
            TurnoutError: As `Http.get` does.
        """
        tags = await self.fetch(_LIST, self._credentials)
        try:
            return listed(tags)
        except OddEventError as error:
            message = f"{self.info.name} sent a list of models that {error}"
            raise ProtocolError(message, provider=self.info.name) from None

    @property
    def _credentials(self) -> dict[str, str | Secret]:
        key = self.key()
        return {} if key is None else {"Authorization": key.prefixed("Bearer ")}
