"""Anthropic's Messages, at its own address or at any other with the same protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from turnout.decoding import OddEventError, as_count, as_list, as_mapping, as_text
from turnout.errors import (
    ModelUnavailableError,
    ProtocolError,
    ProviderError,
    UnsupportedError,
)
from turnout.provider import ProviderOptions
from turnout.service import Call, Service
from turnout.types import ChatRequest, ModelInfo, Secret
from turnout_anthropic import _protocol
from turnout_anthropic._models import INFO

__all__ = ["Anthropic", "AnthropicOptions"]

_ADDRESS = "https://api.anthropic.com"

_MODELS_PATH = "/v1/models?limit=1000"

_MOST_PAGES = 100
"""The largest number of pages of a list of models to request."""

_WITHOUT_SAMPLING = "2026-10-21"
"""From this version of the protocol on, sampling parameters are refused.

Source: Anthropic's page "Migrating to 2026-10-21", read 2026-11-22.
"""

_SAMPLING = ("temperature", "top_p")

_UNKNOWN_MODEL_TOKENS = 4096
"""The limit of an answer if the request, the options and the model's data have none."""

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_BETA = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AnthropicOptions(ProviderOptions):
    """The options of `Anthropic`."""

    base_url: str | None = _ADDRESS
    """The address of the service; `/v1/messages` is appended."""
    auth_header: Literal["x-api-key", "Authorization"] = "x-api-key"
    """The header of the key. `Authorization`, with a bearer token, is for OAuth tokens
    and for gateways that require it. The service refuses a request with both."""
    anthropic_version: str = "2023-06-01"
    """The protocol's version; from 2026-10-21 on, it has no sampling parameters."""
    anthropic_beta: tuple[str, ...] = ()
    """The names of beta features, for the header of that name."""
    default_max_tokens: int | None = None
    """`max_tokens` of a request without one, since the protocol requires it.

    None means the model's own limit, and 4096 for an unknown model.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _VERSION.fullmatch(self.anthropic_version):
            raise ValueError("anthropic_version is not a date, such as 2023-06-01")
        if not all(map(_BETA.fullmatch, self.anthropic_beta)):
            raise ValueError("anthropic_beta must hold names of features, one per item")
        if self.default_max_tokens is not None and self.default_max_tokens < 1:
            raise ValueError("default_max_tokens must be at least 1")


class Anthropic(Service):
    """Anthropic's Messages.

    The provider is verified against a server written from the documented protocol and
    against llama.cpp's server, and not against the live service.
    """

    info = INFO
    options_type = AnthropicOptions
    options: AnthropicOptions

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: The protocol, its version or the model does not support
                the request.
            AuthenticationError: No key is set, and one is required.
        """
        # Imported here, since the imports are slow.
        from functools import partial
        from urllib.parse import urlsplit

        from turnout_anthropic._body import body

        self._check_sampling(request)
        headers = {"Accept": "text/event-stream", **self._headers()}
        origin = urlsplit(self.options.base_url or "").hostname or ""
        fields = body(request, self._max_tokens(request), origin)
        self._check_last(request, fields)
        decoder = partial(_protocol.Decoder, origin=origin)
        return Call(_protocol.PATH, fields, headers, decoder)

    def advice(self, error: ProviderError, model: str) -> str | None:
        """Return the advice for an address that already has the protocol's path."""
        address = (self.options.base_url or "").rstrip("/")
        if isinstance(error, ModelUnavailableError) and address.endswith("/v1"):
            return f"{_protocol.PATH} is appended to base_url; remove '/v1' from it"
        return None

    async def list_models(self) -> Sequence[ModelInfo]:
        """Return the models that the service lists, all pages of them.

        The limits are the service's own; the other data of a model are from this
        provider's table.

        Raises:
            ProtocolError: The list is not what the protocol describes.
            TurnoutError: The request for the list failed.
        """
        from urllib.parse import quote  # Imported here, since the import is slow.

        models: list[ModelInfo] = []
        path = _MODELS_PATH
        for _ in range(_MOST_PAGES):
            page = await self.fetch(path, self._headers())
            try:
                fields = as_mapping(page, "a page")
                data = as_list(fields.get("data"), "data")
                models += map(self._listed, data)
                if not fields.get("has_more") or not data:
                    break
                last = as_text(fields.get("last_id"), "last_id")
            except OddEventError as error:
                failure = ProtocolError(f"{self.info.name}'s list of models {error}")
                raise failure from None
            path = f"{_MODELS_PATH}&after_id={quote(last, safe='')}"
        return models

    def _listed(self, value: object) -> ModelInfo:
        fields = as_mapping(value, "a model")
        known = self.catalog.info_of(as_text(fields.get("id"), "id"))
        window = as_count(fields, "max_input_tokens")
        most = as_count(fields, "max_tokens")
        return replace(
            known,
            context_window=known.context_window if window is None else window,
            max_output_tokens=known.max_output_tokens if most is None else most,
        )

    def _headers(self) -> dict[str, str | Secret]:
        options = self.options
        headers: dict[str, str | Secret] = {
            "anthropic-version": options.anthropic_version
        }
        if options.anthropic_beta:
            headers["anthropic-beta"] = ",".join(options.anthropic_beta)
        key = self.key()
        if key is not None:
            bearer = options.auth_header == "Authorization"
            headers[options.auth_header] = key.prefixed("Bearer ") if bearer else key
        return headers

    def _max_tokens(self, request: ChatRequest) -> int:
        known = self.catalog.info_of(request.model).max_output_tokens
        return (
            request.max_tokens
            or self.options.default_max_tokens
            or known
            or _UNKNOWN_MODEL_TOKENS
        )

    def _check_sampling(self, request: ChatRequest) -> None:
        version = self.options.anthropic_version
        given = [name for name in _SAMPLING if getattr(request, name) is not None]
        if given and version >= _WITHOUT_SAMPLING:
            raise UnsupportedError(
                f"{self.info.name} does not accept {' and '.join(given)} with "
                f"anthropic_version={version!r}; leave it out or set an older version"
            )

    def _check_last(self, request: ChatRequest, fields: Mapping[str, object]) -> None:
        """Refuse the beginning of an answer if the model does not continue one.

        An answer that the service paused is not such a beginning.
        """
        from turnout_anthropic._turns import waits

        if (
            request.messages[-1].role == "assistant"
            and self.catalog.listed(request.model) is not None
            and self.catalog.info_of(request.model).prefill == "none"
            and "messages" not in request.extra
            and not waits(cast("list[dict[str, Any]]", fields["messages"]))
        ):
            raise UnsupportedError(
                f"{self.info.name}:{request.model} does not continue an assistant's "
                "message; end the conversation with a user's or a tool's message"
            )
