"""Stream chat completions from many providers behind one interface.

    from turnout import get_provider

    async for text in get_provider("FlowGpt").stream("What is the capital of France?"):
        print(text, end="", flush=True)

Importing this imports neither asyncio nor aiohttp nor pydantic; they come with the
first request. What routes are made of comes with the first route.
"""

from typing import TYPE_CHECKING

from turnout._face import (
    complete,
    explain,
    fallback,
    get_provider,
    health,
    run,
    stream,
)
from turnout._version import VERSION as __version__
from turnout.errors import (
    ArgumentError,
    AuthenticationError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    FirstDeltaTimeoutError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    PluginError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamBrokenError,
    StreamError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
    UnavailableError,
    UnknownModelError,
    UnknownProviderError,
    UnsupportedError,
)
from turnout.hookspecs import hookimpl
from turnout.provider import BoundTarget, Provider, ProviderOptions
from turnout.stream import Stream
from turnout.types import (
    AnswerForm,
    Attempt,
    Capabilities,
    ChatRequest,
    Conversation,
    Delta,
    Event,
    Explanation,
    Failover,
    FilePart,
    Finish,
    FinishReason,
    ImagePart,
    Join,
    Message,
    ModelInfo,
    Outcome,
    Part,
    Place,
    Prefill,
    ProviderInfo,
    ReasoningDelta,
    Reply,
    RequestOptions,
    Restart,
    Role,
    Secret,
    Target,
    TextPart,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
)

if TYPE_CHECKING:
    from turnout.routes import HealthReport, Policy, Route

__all__ = [
    "AnswerForm",
    "ArgumentError",
    "Attempt",
    "AuthenticationError",
    "BoundTarget",
    "Capabilities",
    "ChatRequest",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "ContentFilterError",
    "ContextLengthError",
    "Conversation",
    "DeadlineError",
    "Delta",
    "Event",
    "Explanation",
    "Failover",
    "FallbackError",
    "FilePart",
    "Finish",
    "FinishReason",
    "FirstDeltaTimeoutError",
    "HealthReport",
    "ImagePart",
    "InvalidReplyError",
    "InvalidRequestError",
    "Join",
    "Message",
    "ModelInfo",
    "ModelUnavailableError",
    "Outcome",
    "OverloadedError",
    "Part",
    "PermissionDeniedError",
    "Place",
    "PluginError",
    "Policy",
    "Prefill",
    "ProtocolError",
    "Provider",
    "ProviderError",
    "ProviderInfo",
    "ProviderOptions",
    "QuotaExceededError",
    "RateLimitError",
    "ReasoningDelta",
    "Reply",
    "RequestOptions",
    "RequestTooLargeError",
    "Restart",
    "Role",
    "Route",
    "Secret",
    "ServerError",
    "Stream",
    "StreamBrokenError",
    "StreamError",
    "StreamStalledError",
    "StreamTruncatedError",
    "Target",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "TurnoutError",
    "UnavailableError",
    "UnknownModelError",
    "UnknownProviderError",
    "UnsupportedError",
    "Usage",
    "__version__",
    "complete",
    "explain",
    "fallback",
    "get_provider",
    "health",
    "hookimpl",
    "run",
    "stream",
]


def __getattr__(name: str) -> object:
    if name not in {"HealthReport", "Policy", "Route"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from turnout import routes

    return getattr(routes, name)
