"""Decide whether a broken answer may be continued, and build the request for the rest.

Only plain text can be joined from two parts. Half a tool call, a JSON text from two
models or several choices cannot. Then the caller gets an error with the reason.

The request has the text so far as the last message of the assistant. A model that can
continue its own last message gets no more than that (prefill). Any other model gets one
more message, which quotes the last words and asks the model to repeat them and to
continue (instruction). The original messages do not change.
"""

from __future__ import annotations

from dataclasses import replace

from turnout._request_traits import demanded_form, demanded_state, offers_tools
from turnout._tokens import estimate_tokens
from turnout.joins._alike import anchor_of
from turnout.types import ChatRequest, Message

__all__ = ["continued", "fits", "instruction", "refusal_to_continue", "unsent"]

LEAST_TOKENS = 16
"""A continuation with fewer tokens than these costs more than it is worth."""

_ANCHORED = (
    "Your last message was cut off by a network error. Write the rest of it now. Begin "
    "your reply by repeating exactly its last words, which are given below, and go on "
    "from there in the same sentence. Write nothing before these words.{tools}\n\n"
    "{anchor}"
)
_PLAIN = (
    "Your last message was cut off by a network error. Continue it from exactly where "
    "it stopped. Write the rest alone, without an opening and without a repetition."
    "{tools}"
)
_TOOLS = " If a tool is needed, call it after the text."


def instruction(partial: str, *, tools: bool) -> str:
    """Return the message that asks a model for the rest of its answer.

    Args:
        partial: The text so far.
        tools: Whether the request offers tools.
    """
    anchor = anchor_of(partial)
    words = _TOOLS if tools else ""
    # `format` would fail if the anchor has braces.
    text = _ANCHORED.replace("{anchor}", anchor) if anchor else _PLAIN
    head, _, tail = text.partition("{tools}")
    return head + words + tail


def refusal_to_continue(
    request: ChatRequest,
    *,
    with_tools: bool,
    text: str,
    tools_begun: bool,
    finished: bool,
    used_tokens: int,
) -> str | None:
    """Return why an answer may not be continued; None if it may.

    Args:
        request: The original request.
        with_tools: Whether it may be continued although the request offers tools.
        text: The text so far, over all attempts.
        tools_begun: Whether the caller has received a part of a tool call.
        finished: Whether the provider had sent a finish reason.
        used_tokens: The tokens of the answer so far, by estimate.
    """
    if finished:
        return "it had ended already"
    if tools_begun:
        return "it had begun to call a tool"
    field = demanded_form(request)
    if field is not None:
        return f"{field} asks for more than plain text"
    field = demanded_state(request)
    if field is not None:
        return f"{field} refers to state that only its service has"
    if offers_tools(request) and not with_tools:
        return "it might have called a tool, and continue_with_tools is False"
    left = _left(request, used_tokens)
    if left is not None and left < LEAST_TOKENS:
        return f"max_tokens leaves {max(0, left)} tokens for the rest"
    return None


def unsent(partial: str) -> str:
    """Return the white space at the end of a partial answer, which a prefill omits.

    Anthropic refuses a last message that ends in white space. Source:
    reliability.md 2.6.
    """
    return partial[len(partial.rstrip()) :]


def continued(
    request: ChatRequest,
    partial: str,
    *,
    prefill: bool,
    used_tokens: int,
) -> ChatRequest:
    """Return the request for the rest of an answer.

    Args:
        request: The original request, even if the answer was continued before.
        partial: The text so far, over all attempts. If it is only white space, the
            original request is sent again.
        prefill: Whether the model can continue the beginning of an answer.
        used_tokens: The tokens of the answer so far. They are subtracted from
            `max_tokens`, which stays at least 1.
    """
    left = _left(request, used_tokens)
    if not partial.strip():
        return replace(request, max_tokens=None if left is None else max(1, left))
    begun = partial.rstrip() if prefill else partial
    messages = (*request.messages, Message(role="assistant", content=begun))
    if not prefill:
        text = instruction(partial, tools=offers_tools(request))
        messages += (Message(role="user", content=text),)
        if left is not None:  # The repeated words are removed.
            left += estimate_tokens(anchor_of(partial))
    return replace(
        request,
        messages=messages,
        prefill=prefill,
        max_tokens=None if left is None else max(1, left),
    )


def fits(request: ChatRequest, context_window: int | None) -> bool:
    """Return whether a model has room for a request and its answer.

    Only the text of messages is counted, by estimate. Without `max_tokens` the answer
    counts as one token. So the service may still refuse a request that fits.

    Args:
        request: The request that would be sent.
        context_window: In tokens; None if it is not known, and then any request fits.
    """
    if context_window is None:
        return True
    sent = sum(estimate_tokens(message.text) for message in request.messages)
    return sent + (request.max_tokens or 1) <= context_window


def _left(request: ChatRequest, used_tokens: int) -> int | None:
    """Return how many tokens the rest may have; None if there is no limit."""
    return None if request.max_tokens is None else request.max_tokens - used_tokens
