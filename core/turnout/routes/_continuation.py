"""Decide whether a broken answer may be continued, and build the request that asks.

Two parts make one answer only if it is plain text. Half a tool call, a JSON text from
two models or several choices cannot be joined. Otherwise the caller gets an error with
the reason.

A model that can continue its own last message is given what was shown as that message
(prefill). Any other model is given it too, with a message after it that quotes the last
words shown and asks the model to repeat them and go on (instruction). The original
messages stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

from turnout._request_traits import demanded_form, demanded_state, offers_tools
from turnout._tokens import estimate_tokens
from turnout.joins._alike import anchor_of
from turnout.types import ChatRequest, Message

__all__ = ["continued", "fits", "instruction", "refusal_to_continue", "unsent"]

LEAST_TOKENS = 16
"""With fewer tokens left than these, a continuation costs more than it brings."""

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
        partial: What was shown of the answer.
        tools: Whether the request offers tools.
    """
    anchor = anchor_of(partial)
    words = _TOOLS if tools else ""
    # Not by `format`: the anchor may have braces.
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
    """Return why an answer may not be continued; None where it may.

    Args:
        request: The original one.
        with_tools: Whether it may be continued though the request offers tools.
        text: What was shown of the answer, over all attempts.
        tools_begun: Whether any of a tool call was shown.
        finished: Whether the provider had said why the answer ended.
        used_tokens: Of the answer so far, as far as is known.
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
        return f"{field} binds it to what its service keeps"
    if offers_tools(request) and not with_tools:
        return "it might have called a tool, and continue_with_tools is False"
    left = _left(request, used_tokens)
    if left is not None and left < LEAST_TOKENS:
        return f"max_tokens leaves {max(0, left)} tokens for the rest"
    return None


def unsent(partial: str) -> str:
    """Return the white space at a partial answer's end, which a prefill leaves out.

    Anthropic refuses a last message that ends in any. Source: reliability.md 2.6.
    """
    return partial[len(partial.rstrip()) :]


def continued(
    request: ChatRequest,
    partial: str,
    *,
    prefill: bool,
    used_tokens: int,
) -> ChatRequest:
    """Return the request that asks for the rest of an answer.

    Args:
        request: The original one, however often the answer was continued before.
        partial: What was shown of the answer, over all attempts. Where it is white
            space alone, the original request is sent again.
        prefill: Whether the model can go on with the beginning of an answer.
        used_tokens: Of the answer so far; `max_tokens` is less by these, 1 at least.
    """
    left = _left(request, used_tokens)
    if not partial.strip():
        return replace(request, max_tokens=None if left is None else max(1, left))
    begun = partial.rstrip() if prefill else partial
    messages = (*request.messages, Message(role="assistant", content=begun))
    if not prefill:
        text = instruction(partial, tools=offers_tools(request))
        messages += (Message(role="user", content=text),)
        if left is not None:  # What the model repeats is not shown again.
            left += estimate_tokens(anchor_of(partial))
    return replace(
        request,
        messages=messages,
        prefill=prefill,
        max_tokens=None if left is None else max(1, left),
    )


def fits(request: ChatRequest, context_window: int | None) -> bool:
    """Tell whether a model has room for a request and an answer to it.

    Only the text of messages is estimated, and no answer's length where no limit is
    given, so that what fits may yet be refused.

    Args:
        request: As it is to be sent.
        context_window: In tokens; None where it is not known, and anything fits.
    """
    if context_window is None:
        return True
    sent = sum(estimate_tokens(message.text) for message in request.messages)
    return sent + (request.max_tokens or 1) <= context_window


def _left(request: ChatRequest, used_tokens: int) -> int | None:
    """Return how many tokens the rest may have; None where there is no limit."""
    return None if request.max_tokens is None else request.max_tokens - used_tokens
