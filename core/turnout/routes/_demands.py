"""What a request asks for beyond one plain answer that nobody remembers.

An answer that is bound to a form, that is more than one, or that the service keeps,
cannot be put together from two targets, and is not to be asked for twice. `extra` is
looked into as well: what stands there is passed on as it is, and goes over the
request's own fields.
"""

from __future__ import annotations

from turnout.types import ChatRequest

__all__ = ["demanded_form", "demanded_state", "offers_tools"]

# Fields of `extra`, in the words of the vendors' own documentation.
_STATE = ("store", "previous_response_id", "conversation", "container")
_FORM = (
    "response_format",
    "structured_outputs",
    "json_schema",
    "grammar",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "logprobs",
    "top_logprobs",
    "audio",
)
_TOOLS = ("tools", "functions")


def demanded_state(request: ChatRequest) -> str | None:
    """Return the field by which the service is to keep something; None for none."""
    return _given(request, _STATE)


def demanded_form(request: ChatRequest) -> str | None:
    """Return the field by which the answer is no plain text of one choice, or None."""
    if request.response_format is not None:
        return "response_format"
    if request.extra.get("n") not in (None, 1):
        return "n"
    return _given(request, _FORM)


def offers_tools(request: ChatRequest) -> bool:
    """Tell whether the model may ask for a tool to be called."""
    return bool(request.tools) or _given(request, _TOOLS) is not None


def _given(request: ChatRequest, names: tuple[str, ...]) -> str | None:
    """Return the first of some fields that `extra` sets to more than nothing."""
    if not request.extra:
        return None
    return next((name for name in names if request.extra.get(name)), None)
