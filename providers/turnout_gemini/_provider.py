"""Google's Gemini API, at its own address or at any other with the same protocol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from turnout.decoding import OddEventError, as_count, as_list, as_mapping, as_text
from turnout.errors import (
    ModelUnavailableError,
    ProtocolError,
    ProviderError,
)
from turnout.provider import ProviderOptions
from turnout.service import Call, Service
from turnout.types import ChatRequest, ModelInfo, Secret
from turnout_gemini import _body, _protocol
from turnout_gemini._models import INFO

__all__ = ["Gemini", "GeminiOptions"]

_ADDRESS = "https://generativelanguage.googleapis.com/v1beta"

_VERSIONED = re.compile(r"/v\d\w*/?$", re.ASCII)

_METHODS = {"generateContent", "streamGenerateContent"}

_MOST_PAGES = 100
"""The largest number of pages of the model list to request; the service has 1 or 2."""


@dataclass(frozen=True, kw_only=True)
class GeminiOptions(ProviderOptions):
    """The options of `Gemini`."""

    base_url: str | None = _ADDRESS
    """The address of the service; `/models/…` is appended."""
    include_thoughts: bool = False
    """Whether to request a summary of the model's thoughts; a model that does not think
    may refuse that."""


class Gemini(Service):
    """Google's Gemini API (`generateContent`).

    The provider is verified against a server written from the documented protocol and
    against an independent mock server, and not against the live service.
    """

    info = INFO
    options_type = GeminiOptions
    options: GeminiOptions

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: The protocol cannot express the request.
            ArgumentError: `generationConfig` in `extra` is not a mapping.
            AuthenticationError: There is no key, and one is needed.
        """
        path = _body.path(request.model)
        body = _body.body(request, include_thoughts=self.options.include_thoughts)
        headers = {"Accept": "text/event-stream", **self._proof()}
        return Call(path, body, headers, _protocol.Decoder)

    def advice(self, error: ProviderError, model: str) -> str | None:
        """Return what to do if the address lacks the protocol's version."""
        if isinstance(error, ModelUnavailableError) and not self.at_own_address:
            address = self.options.base_url or ""
            if not _VERSIONED.search(address):
                return f"base_url must end in a version, as {_ADDRESS} does"
        return None

    async def list_models(self) -> Sequence[ModelInfo]:
        """Return the models that the service lists and that answer in a chat.

        The limits of models that turnout does not know are the service's own.

        Raises:
            AuthenticationError: No key is set, and one is required.
            ProtocolError: The list is not of the protocol.
            TurnoutError: As `Http.get` does.
        """
        found: list[ModelInfo] = []
        token = ""
        for _ in range(_MOST_PAGES):
            try:
                page = as_mapping(await self._page(token), "a list of models")
                for model in as_list(page.get("models") or [], "models"):
                    found += self._listed(as_mapping(model, "a model"))
                token = as_text(page.get("nextPageToken") or "", "nextPageToken")
            except OddEventError as error:
                raise ProtocolError(f"{self.info.name}'s list {error}") from None
            if not token:
                return tuple(found)
        raise ProtocolError(f"{self.info.name}'s list of models has no end")

    async def _page(self, token: str) -> object:
        from urllib.parse import quote  # Imported here, since the import is slow.

        page = f"&pageToken={quote(token, safe='')}" if token else ""
        headers = {"Accept": "application/json", **self._proof()}
        return await self.fetch(f"/models?pageSize=1000{page}", headers)

    def _listed(self, fields: dict[str, object]) -> list[ModelInfo]:
        """Return the info of a listed model; nothing if it is not for chats."""
        methods = as_list(fields.get("supportedGenerationMethods") or [], "methods")
        if _METHODS.isdisjoint(str(method) for method in methods):
            return []
        name = as_text(fields.get("name"), "a model's name").removeprefix("models/")
        known = self.catalog.models.get(name)
        return [known or _described(name, fields)]

    def _proof(self) -> dict[str, str | Secret]:
        """Return the header with the key, which is never in an address."""
        key = self.key()
        return {} if key is None else {"x-goog-api-key": key}


def _described(name: str, fields: dict[str, object]) -> ModelInfo:
    return ModelInfo(
        name=name,
        context_window=as_count(fields, "inputTokenLimit"),
        max_output_tokens=as_count(fields, "outputTokenLimit"),
        source="the service's own list",
    )
