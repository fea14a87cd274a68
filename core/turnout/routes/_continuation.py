"""Whether an answer that broke may be continued, and the request that continues it.

Two halves make one answer only where it is plain text: half a tool call, a JSON text in
two hands or a choice among several is none. So an answer is continued where nothing
speaks against it, and else the caller is told that it broke, and why it was left so.

A model that can go on with the beginning of an answer is given it as its own last
message (prefill); any other is given it so too, with a message after it that asks for
the rest (instruction). The original messages stay as they are, the system's among them.
"""

from __future__ import annotations

from dataclasses import replace

from turnout._frozen import frozen
from turnout._tokens import estimate_tokens
from turnout.routes._demands import demanded_form, demanded_state, offers_tools
from turnout.routes._ranges import check_least
from turnout.types import ChatRequest, Message

__all__ = [
    "INSTRUCTION",
    "ContinuationPolicy",
    "continued",
    "fits",
    "refusal_to_continue",
    "unsent",
]

INSTRUCTION = (
    "The previous assistant message was cut off by a network error. Continue it from "
    "exactly where it stopped. Output only the continuation: no preamble, no "
    "repetition."
)


@frozen
class ContinuationPolicy:
    """When an answer is continued, and how it is asked for.

    Raises:
        ValueError: A field is out of range.
    """

    least_tokens: int = 16
    """With fewer tokens of `max_tokens` left than these, an answer is left as it is."""
    continue_with_tools: bool = False
    """Whether an answer is continued that might have called a tool later on."""
    instruction: str = INSTRUCTION
    """The message that asks a model for the rest which cannot be given a beginning."""

    def __post_init__(self) -> None:
        check_least(self, 1, "least_tokens")
        if not self.instruction.strip():
            raise ValueError("instruction is a text that asks for the rest")


def refusal_to_continue(
    request: ChatRequest,
    policy: ContinuationPolicy,
    *,
    text: str,
    tools_begun: bool,
    finished: bool,
    used_tokens: int,
) -> str | None:
    """Return why an answer may not be continued; None where it may.

    Args:
        request: The original one.
        policy: What is allowed.
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
    if offers_tools(request):
        if not policy.continue_with_tools:
            return "it might have called a tool, and continue_with_tools is off"
        if not text.strip():
            return "it might have called a tool, and had no text yet"
    left = _left(request, used_tokens)
    if left is not None and left < policy.least_tokens:
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
    instruction: str,
    used_tokens: int,
) -> ChatRequest:
    """Return the request that asks for the rest of an answer.

    Args:
        request: The original one, however often the answer was continued before.
        partial: What was shown of the answer, over all attempts. Where it is white
            space alone, the answer is asked for anew: there is nothing to go on with.
        prefill: Whether the model can go on with the beginning of an answer.
        instruction: What asks it for the rest where it cannot.
        used_tokens: Of the answer so far; `max_tokens` is less by these, 1 at least.
    """
    left = _left(request, used_tokens)
    shorter = replace(request, max_tokens=None if left is None else max(1, left))
    if not partial.strip():
        return shorter
    begun = partial.rstrip() if prefill else partial
    messages = (*request.messages, Message(role="assistant", content=begun))
    if not prefill:
        messages += (Message(role="user", content=instruction),)
    return replace(shorter, messages=messages, prefill=prefill)


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
