"""The values of turnout: messages, requests, events, replies, and provider infos."""

from typing import TYPE_CHECKING

from turnout.types._events import (
    Citation,
    Delta,
    Event,
    Failover,
    Finish,
    FinishReason,
    Join,
    MediaDelta,
    ReasoningDelta,
    Restart,
    ToolCallDelta,
    Usage,
)
from turnout.types._explanation import Explanation, Place
from turnout.types._form import AnswerForm
from turnout.types._info import Capabilities, ModelInfo, Prefill, ProviderInfo
from turnout.types._messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)
from turnout.types._openai import (
    Conversation,
    MessageLike,
    as_messages,
    merged,
    message_to_openai,
    tool_to_openai,
)
from turnout.types._reply import Attempt, Media, Outcome, Reply
from turnout.types._request import ChatRequest, RequestOptions, TargetOptions
from turnout.types._secret import Secret
from turnout.types._target import Target

if TYPE_CHECKING:
    from turnout.types._json import from_dict, to_dict

__all__ = [
    "AnswerForm",
    "Attempt",
    "AudioPart",
    "Capabilities",
    "ChatRequest",
    "Citation",
    "Conversation",
    "Delta",
    "Event",
    "Explanation",
    "Failover",
    "FilePart",
    "Finish",
    "FinishReason",
    "ImagePart",
    "Join",
    "Media",
    "MediaDelta",
    "Message",
    "MessageLike",
    "ModelInfo",
    "NativeTool",
    "Outcome",
    "Part",
    "Place",
    "Prefill",
    "ProviderInfo",
    "ReasoningDelta",
    "Reply",
    "RequestOptions",
    "Restart",
    "Role",
    "Secret",
    "Target",
    "TargetOptions",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "VideoPart",
    "as_messages",
    "from_dict",
    "merged",
    "message_to_openai",
    "to_dict",
    "tool_to_openai",
]


def __getattr__(name: str) -> object:
    # Few programs use them, and importing them takes long.
    if name not in {"from_dict", "to_dict"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from turnout.types import _json

    return getattr(_json, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
