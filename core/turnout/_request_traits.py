"""Find requests that ask for more than plain text, or for stored state.

Two targets cannot share the answer to such a request, and it is not sent twice. Fields
of `extra` count too: they are sent unchanged, in place of the request's own fields.
"""

from __future__ import annotations

from turnout.types import ChatRequest

__all__ = ["demanded_form", "demanded_state", "offers_tools"]

# Fields of `extra`, from the vendors' documentation.
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
    """Return the field that makes the service store something; None without one."""
    return _given(request, _STATE)


def demanded_form(request: ChatRequest) -> str | None:
    """Return the field that asks for more than one plain text; None without one."""
    if request.response_format is not None:
        return "response_format"
    if request.extra.get("n") not in (None, 1):
        return "n"
    return _given(request, _FORM)


def offers_tools(request: ChatRequest) -> bool:
    """Return whether the model may call a tool."""
    return bool(request.tools) or _given(request, _TOOLS) is not None


def _given(request: ChatRequest, names: tuple[str, ...]) -> str | None:
    """Return the first of these fields that `extra` sets; None without one."""
    if not request.extra:
        return None
    return next((name for name in names if request.extra.get(name)), None)
