"""Stream chat completions from many providers behind one interface.

    from turnout import get_provider

    async for text in get_provider("FlowGpt").stream("What is the capital of France?"):
        print(text, end="", flush=True)

Importing turnout does not import asyncio, aiohttp or pydantic; the first request does.
The first route imports `turnout.routes`.
"""

from typing import TYPE_CHECKING

from turnout._face import (
    complete,
    explain,
    fallback,
    get_provider,
    health,
    observe,
    run,
    stream,
    warm_up,
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
    EmptyReplyError,
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
from turnout.streams import Stream
from turnout.types import (
    AnswerForm,
    Attempt,
    AudioPart,
    Capabilities,
    ChatRequest,
    Citation,
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
    Media,
    MediaDelta,
    Message,
    MessageLike,
    ModelInfo,
    NativeTool,
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
    TargetOptions,
    TextPart,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
    VideoPart,
)

if TYPE_CHECKING:
    from turnout._hooks import Observation
    from turnout.routes import HealthReport, Policy, Route

__all__ = [
    "AnswerForm",
    "ArgumentError",
    "Attempt",
    "AudioPart",
    "AuthenticationError",
    "BoundTarget",
    "Capabilities",
    "ChatRequest",
    "Citation",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "ContentFilterError",
    "ContextLengthError",
    "Conversation",
    "DeadlineError",
    "Delta",
    "EmptyReplyError",
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
    "Media",
    "MediaDelta",
    "Message",
    "MessageLike",
    "ModelInfo",
    "ModelUnavailableError",
    "NativeTool",
    "Observation",
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
    "TargetOptions",
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
    "VideoPart",
    "__version__",
    "complete",
    "explain",
    "fallback",
    "get_provider",
    "health",
    "hookimpl",
    "observe",
    "run",
    "stream",
    "warm_up",
]


def __getattr__(name: str) -> object:
    if name == "Observation":
        from turnout._hooks import Observation

        return Observation
    if name not in {"HealthReport", "Policy", "Route"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from turnout import routes

    return getattr(routes, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
