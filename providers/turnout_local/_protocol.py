"""The engine's words: a request to its body, its chunks and errors to ours.

llama.cpp's server speaks OpenAI's chat completions, here as mappings that never
leave the process. What it does beyond that was observed with xllamacpp
2026.10.11549 on 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from turnout.errors import (
    ContextLengthError,
    InvalidRequestError,
    OverloadedError,
    ProviderError,
    ServerError,
    StreamTruncatedError,
)
from turnout.types import (
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    Message,
    ReasoningDelta,
    Usage,
)

__all__ = ["AnswerReader", "Chunk", "body_of", "error_of"]

SYSTEM = "You are a helpful assistant."
"""What the system says where the caller has it say nothing.

The template's own default makes SmolLM2 answer gibberish (observed).
"""

# A model this small wanders off when it is sampled: of 20 seeds, 15 gave the capital
# of France at the engine's own temperature of 0.8. The likeliest token is steadier,
# and the penalty keeps it from going round in circles (observed).
STEADY: Mapping[str, object] = {"temperature": 0.0, "repeat_penalty": 1.1}


class _ChunkDelta(TypedDict, total=False):
    content: str | None
    reasoning_content: str | None


class _Choice(TypedDict, total=False):
    delta: _ChunkDelta
    finish_reason: str | None


class _CachedTokens(TypedDict, total=False):
    cached_tokens: int


class _TokenCounts(TypedDict, total=False):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _CachedTokens


class _Failure(TypedDict, total=False):
    code: int
    type: str
    message: str
    n_prompt_tokens: int
    n_ctx: int


class Chunk(TypedDict, total=False):
    """What the engine calls back with, once a token and now and then between."""

    choices: list[_Choice]
    usage: _TokenCounts
    error: _Failure


def body_of(request: ChatRequest) -> dict[str, object]:
    """Return what the engine is asked.

    Raises:
        InvalidRequestError: `extra` asks for several answers; a stream is one.
    """
    body: dict[str, object] = {"messages": _conversation(request.messages)}
    for name in ("temperature", "max_tokens", "top_p", "seed", "response_format"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.stop:
        body["stop"] = list(request.stop)
    if not body.keys() & {"temperature", "top_p", "seed"}:
        body |= STEADY
        if request.response_format is not None:
            # JSON repeats its marks and keys.
            del body["repeat_penalty"]
    body = request.merged(body)
    if body.get("n", 1) != 1:
        raise InvalidRequestError("extra asks for n answers; a stream holds one")
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
    # The engine calls back while it reads the input as well, which is when an
    # answer that nobody wants any more can be stopped.
    body["return_progress"] = True
    return body


def _conversation(messages: Iterable[Message]) -> list[dict[str, object]]:
    turns = [_turn(message) for message in messages]
    if not any(turn["role"] == "system" for turn in turns):
        turns.insert(0, {"role": "system", "content": SYSTEM})
    return turns


def _turn(message: Message) -> dict[str, object]:
    # Parts of text are joined; the provider takes no others.
    turn: dict[str, object] = {"role": message.role, "content": message.text}
    if message.name is not None:
        turn["name"] = message.name
    return turn


_FINISH_REASONS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length"}


class AnswerReader:
    """Read the chunks of one answer."""

    def __init__(self) -> None:
        self._finished = False

    def read(self, chunk: Chunk) -> list[Event]:
        """Return what a chunk brings: nothing, where it only tells of progress.

        Raises:
            ProviderError: The chunk is the engine's error.
        """
        failure = chunk.get("error")
        if failure is not None:
            raise _refusal(failure)
        events: list[Event] = []
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta", {})
            if reasoning := delta.get("reasoning_content"):
                events.append(ReasoningDelta(text=reasoning))
            if text := delta.get("content"):
                events.append(text)
            if reasoning or text:  # An answer that goes on has not ended.
                self._finished = False
            if reason := choice.get("finish_reason"):
                self._finished = True
                events.append(
                    Finish(
                        reason=_FINISH_REASONS.get(reason, "unknown"),
                        details={"finish_reason": reason},
                    )
                )
        if usage := chunk.get("usage"):
            events.append(_usage(usage))
        return events

    def close(self) -> None:
        """Say that no more chunks come.

        Raises:
            StreamTruncatedError: The answer had not come to its end.
        """
        if not self._finished:
            raise StreamTruncatedError("the engine was closed before the answer's end")


def _usage(counts: _TokenCounts) -> Usage:
    return Usage(
        input_tokens=counts.get("prompt_tokens"),
        output_tokens=counts.get("completion_tokens"),
        cached_tokens=counts.get("prompt_tokens_details", {}).get("cached_tokens"),
    )


# The engine's `type`, from its `format_error_response`.
_REFUSALS: Mapping[str, type[ProviderError]] = {
    "exceed_context_size_error": ContextLengthError,
    "invalid_request_error": InvalidRequestError,
    "not_supported_error": InvalidRequestError,
    "unavailable_error": OverloadedError,
}


def _refusal(failure: _Failure) -> ProviderError:
    kind = failure.get("type", "")
    if "n_prompt_tokens" in failure and "n_ctx" in failure:
        reason = (
            f"the input has {failure['n_prompt_tokens']} tokens, more than the "
            f"{failure['n_ctx']} of context_size; shorten it, or raise that option"
        )
    else:
        reason = f"the engine refused: {failure.get('message', kind)}"
    return _REFUSALS.get(kind, ServerError)(
        reason, status_code=failure.get("code"), details={"type": kind}
    )


def error_of(error: Exception) -> ProviderError:
    """Return what an exception in the engine's thread means.

    For a body that it cannot read the engine raises `ValueError`, `TypeError` or
    `RuntimeError`, before it generates anything.
    """
    if isinstance(error, ValueError | TypeError | RuntimeError):
        # Some of these end with the messages themselves.
        reason = str(error).partition("; messages = ")[0]
        return InvalidRequestError(f"the engine refused the request: {reason}")
    return ServerError(f"the engine failed: {type(error).__name__}")
