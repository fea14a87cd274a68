"""The options that a target of a route has of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from turnout.errors import ArgumentError
from turnout.types import ChatRequest

__all__ = ["applied", "checked_options", "layered"]

_DEADLINE = (
    "a target has no deadline, since a deadline is for a request with all of its "
    "attempts; give it to the call, or set first_delta_timeout of the provider"
)


def checked_options(options: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a `ChatRequest` that the options of a target set.

    Raises:
        ArgumentError: An option is unknown or wrong.
    """
    if "deadline" in options:
        raise ArgumentError(_DEADLINE)
    if "model" in options:
        raise ArgumentError("a target has its model already; leave model out")
    given = {name: value for name, value in options.items() if value is not None}
    request = ChatRequest.build("", **cast("Any", given))
    names = [*given, "answer_form"] if "response_format" in given else [*given]
    return {name: getattr(request, name) for name in names}


def applied(
    request: ChatRequest, fields: Mapping[str, Any], given: Collection[str]
) -> ChatRequest:
    """Return a request with a target's options where the call gives none.

    Args:
        request: As the call has it.
        fields: Those that the target sets, as `checked_options` returns them.
        given: The options of the call. The two `extra` are merged.
    """
    kept = {name: value for name, value in fields.items() if name not in given}
    if "response_format" in given:
        kept.pop("answer_form", None)
    if "extra" in fields:
        kept["extra"] = layered(fields["extra"], request.extra)
    return replace(request, **kept)


def layered(
    lower: Mapping[str, object], upper: Mapping[str, object]
) -> dict[str, object]:
    """Return one `extra` that says what `upper` over `lower` says.

    It is as `turnout.types.merged`, but keeps None, which takes a field away that is
    not in either of them.
    """
    result = dict(lower)
    for name, value in upper.items():
        before = result.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[name] = layered(
                cast("Mapping[str, object]", before),
                cast("Mapping[str, object]", value),
            )
        elif name == "tools" and isinstance(before, list) and isinstance(value, list):
            result[name] = [*before, *value]
        else:
            result[name] = value
    return result
