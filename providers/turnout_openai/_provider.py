"""OpenAI's protocols, at its own address or at any other service's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from turnout.errors import ConfigError, ProviderError, UnsupportedError
from turnout.provider import ProviderOptions
from turnout.service import Call, Service
from turnout.types import ChatRequest, ModelInfo, Prefill, ProviderInfo, Secret
from turnout_openai import _address, _protocol
from turnout_openai._body import audio_type, body
from turnout_openai._models import INFO
from turnout_openai._vendor import COMPATIBLE, OPENAI, MaxTokensField, Vendor

if TYPE_CHECKING:
    from turnout.http import StatusRule
    from turnout_openai._protocol import Decoder

__all__ = ["OpenAI", "OpenAIOptions"]


@dataclass(frozen=True, kw_only=True)
class OpenAIOptions(ProviderOptions):
    """The options of `OpenAI`, and of every vendor with its protocols."""

    base_url: str | None = OPENAI.base_url
    """The address of the service; `/chat/completions` is appended."""
    protocol: Literal["chat", "responses"] = "chat"
    """The protocol: chat completions, or OpenAI's newer Responses."""
    vendor: str | None = None
    """The service at the address: the name of a provider of turnout, as in `vLLM`.

    None means the row of the provider, then the service that `base_url` belongs to. At
    any other address, only the features common to all services are used.
    """
    max_tokens_field: MaxTokensField | None = None
    """The name of the field for `max_tokens` in a request for chat completions.

    None means the vendor's name: `max_completion_tokens` at OpenAI's own address,
    whose newer models refuse the older name, and `max_tokens` at an unknown one, where
    the new name may be unknown.
    """
    asks_usage: bool | None = None
    """Whether chat completions request usage by `stream_options`, which some servers
    refuse. None means the value of the vendor's row."""
    api_version: str | None = None
    """The `api-version` to append to the path, for Azure's dated addresses."""

    def __post_init__(self) -> None:
        if self.base_url is not None:
            _address.check(self.base_url)
        super().__post_init__()
        if self.vendor is not None:
            _named(self.vendor)


def _named(name: str) -> Vendor:
    from turnout_openai import _vendors  # The rows are not read for OpenAI alone.

    vendor = _vendors.named(name)
    if vendor is None:
        known = ", ".join([OPENAI.name, *(vendor.name for vendor in _vendors.VENDORS)])
        raise ValueError(f"vendor must be one of {known}")
    return vendor


class OpenAI(Service):
    """OpenAI's chat completions and Responses, and other services with them.

    The provider is verified against a server written from the documented protocol,
    and against llama.cpp's own server, and not against the live services.
    """

    info = INFO
    options_type = OpenAIOptions
    options: OpenAIOptions

    def __init__(self, *, info: ProviderInfo | None = None, **options: object) -> None:
        try:
            super().__init__(info=info, **options)
        finally:
            del options  # A traceback may show local variables: here, a key.
        if self.options.protocol == "responses":
            from turnout_openai import _responses_body

            self.info = _responses_body.narrowed(self.info)

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: `extra` requests several answers, or the protocol does not
                support the request.
            AuthenticationError: No key is set, and one is required.
            ConfigError: No address is set.
        """
        if self.options.protocol == "responses":
            return self._responses_call(request, self._headers("text/event-stream"))
        if request.extra.get("n") not in (None, 1):
            raise UnsupportedError(
                f"{self.info.name} reads one answer per request; leave n out of extra"
            )
        vendor, path = self.vendor, _protocol.PATH
        prefill: Prefill = "none"
        if request.prefill:
            prefill = self.catalog.info_of(request.model).prefill
            # At another address its other paths are unknown.
            if vendor.prefill_path and self.options.base_url == vendor.base_url:
                path = vendor.prefill_path
        fields = body(
            request,
            vendor,
            max_tokens_field=self.options.max_tokens_field,
            prefill=prefill,
            state_name=self._state_name,
            asks_usage=self.options.asks_usage,
        )
        accepted = "text/event-stream" if fields.get("stream") else "application/json"
        return Call(
            self._dated(path), fields, self._headers(accepted), self._reader(fields)
        )

    def _reader(self, fields: Mapping[str, object]) -> Callable[..., Decoder]:
        """Return the factory of the decoder of the answer to a request.

        Args:
            fields: The body of the request.
        """
        vendor, state_name = self.vendor, self._state_name

        def made(provider: str, request_id: str | None) -> Decoder:
            decoder = vendor.decoder(provider, request_id)
            decoder.state_name = state_name
            decoder.reasoning_in_output = vendor.reasoning_in_output
            decoder.reads_reasoning = vendor.reads_reasoning
            decoder.reads_logprobs = "logprobs" in fields
            if "audio" in fields:
                decoder.audio_type = audio_type(fields["audio"])
            return decoder

        return made

    def _responses_call(
        self, request: ChatRequest, headers: dict[str, str | Secret]
    ) -> Call:
        from functools import partial

        from turnout_openai import _responses, _responses_body

        vendor, address = self.vendor, self.options.base_url or ""
        # A vendor without an address of its own describes many services.
        service = vendor.name if vendor.base_url else address
        fields = _responses_body.body(request, self.info.name, service, vendor.extra)
        decoder = partial(_responses.ResponsesDecoder, service=service)
        return Call(self._dated(_responses.PATH), fields, headers, decoder)

    def advice(self, error: ProviderError, model: str) -> str | None:
        """Return the advice for an address without a service."""
        del model
        options = self.options
        return _address.advice(
            error,
            options.base_url or "",
            own=options.base_url == self.vendor.base_url,
            dated=options.api_version is not None,
            responses=options.protocol == "responses" and self.vendor is not OPENAI,
        )

    async def list_models(self) -> Sequence[ModelInfo]:
        """Return the models that the service lists.

        If turnout knows a model too, its data are added. The list may hold models that
        are not for chats.

        Raises:
            ProtocolError: The answer is not a list of models.
            AuthenticationError: No key is set, and one is required.
            ConfigError: No address is set.
            TurnoutError: The request failed, as `Http.get` says.
        """
        from turnout_openai import _listing

        path = self.vendor.models_path
        if path is None:
            return await super().list_models()
        headers = self._headers("application/json")
        async with self.http.get(self._dated(path), headers=headers) as response:
            listed = await response.json()
        return _listing.read(listed, self.catalog.models, self.info)

    @cached_property
    def vendor(self) -> Vendor:
        """The row of the service at the address."""
        options = self.options
        if options.vendor is not None:
            return _named(options.vendor)
        # The row of the plugin that made the provider, see `Vendor.info`.
        row = getattr(self.info, "vendor", None)
        if isinstance(row, Vendor):
            return row
        if options.base_url == OPENAI.base_url:
            return OPENAI
        from urllib.parse import urlsplit

        host = urlsplit(options.base_url or "").hostname or ""
        # An IP address belongs to no vendor: the rows need not be read.
        if host.replace(".", "").isdigit():
            return COMPATIBLE
        from turnout_openai import _vendors

        return _vendors.at(host)

    @property
    def needs_key(self) -> bool:
        """Whether a request without a key is refused before it is sent.

        Also at the address of another service, if that one needs a key.
        """
        vendor = self.vendor
        if vendor.base_url is not None and self.options.base_url == vendor.base_url:
            return vendor.needs_key or self.key_is_named
        return super().needs_key

    @cached_property
    def _state_name(self) -> str:
        """The name of the service's state in messages: no other service gets it."""
        vendor = self.vendor
        if vendor is not COMPATIBLE:
            return vendor.name.casefold()
        from urllib.parse import urlsplit

        # Two unknown addresses are two services.
        return f"chat@{urlsplit(self.options.base_url or '').netloc}"

    def refusal_rules(self) -> Sequence[StatusRule]:
        """Return the status rules of the class, then of the service's row."""
        return (*super().refusal_rules(), *self.vendor.status_rules)

    def unavailable(self) -> str | None:
        """Return the message if the address, which each customer has, is not set."""
        if self.options.base_url is not None:
            return None
        form = self.vendor.form
        like = f", as in {form}" if form else ""
        return f"its address is not set; set base_url{like}"

    def _headers(self, accepted: str) -> dict[str, str | Secret]:
        headers: dict[str, str | Secret] = {"Accept": accepted}
        key, lack = self.key(), self.unavailable()
        if lack is not None:
            raise ConfigError(f"{self.info.name}: {lack}")
        if key is not None:
            vendor = self.vendor
            headers[vendor.key_header] = key.prefixed(vendor.key_prefix)
        return headers

    def _dated(self, path: str) -> str:
        """Return the path with the version that the address requires."""
        version = self.options.api_version
        if version is None:
            return path
        from urllib.parse import quote

        return f"{path}?api-version={quote(version, safe='')}"
