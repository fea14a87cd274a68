"""The keywords of `get_provider` and `fallback`, for type checkers only.

No program imports this module at run time. A test compares it with the options of all
providers of turnout and with the fields of `Policy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from ssl import SSLContext
from typing import Literal, TypedDict

from turnout.routes._policy import Failover
from turnout.types import Secret

__all__ = ["PolicyKeywords", "ProviderKeywords"]


class ProviderKeywords(TypedDict, total=False):
    """The options of all providers, and those that only some providers have."""

    api_key: str | Secret | None
    base_url: str | None
    proxy: str | Secret | None
    headers: Mapping[str, str | Secret]
    extra: Mapping[str, object]
    ssl_context: SSLContext | None
    ca_file: str | PathLike[str] | None
    client_certificate: str | PathLike[str] | None
    client_key: str | PathLike[str] | None
    connect_timeout: float
    first_delta_timeout: float
    idle_timeout: float
    stall_timeout: float
    deadline: float
    max_bytes: int
    max_event_bytes: int
    max_concurrent: int
    max_queued: int | None
    queue_timeout: float | None

    # OpenAI, and the services with its protocols.
    protocol: Literal["chat", "responses"]
    vendor: str | None
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] | None
    asks_usage: bool | None
    api_version: str | None

    # Anthropic.
    auth_header: Literal["x-api-key", "Authorization"]
    anthropic_version: str
    anthropic_beta: Sequence[str]
    default_max_tokens: int | None

    # Gemini.
    include_thoughts: bool

    # Local.
    model_path: str | PathLike[str] | None
    threads: int | None
    context_size: int
    slots: int


class PolicyKeywords(TypedDict, total=False):
    """The fields of `turnout.Policy`."""

    first_delta_timeout: float | None
    stall_timeout: float | None
    deadline: float | None
    least_time: float
    max_attempts: int
    patience: float
    failover: Failover
    max_continuations: int
    fallback_on_content_filter: bool
    prompted_schema: bool
    join: Literal["best_effort", "verified"]
    continue_with_tools: bool
    hedge_after: float | None
