"""The options that are set for one target of a route."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from turnout.errors import ArgumentError
from turnout.types import ChatRequest

__all__ = ["applied", "checked_options", "layered"]

_DEADLINE = (
    "deadline is not an option of a target, as it covers all attempts of a request; "
    "set it in the call, or set first_delta_timeout of the provider"
)


def checked_options(options: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a `ChatRequest` that the options of a target set.

    Raises:
        ArgumentError: An option is unknown or wrong.
    """
    if "deadline" in options:
        raise ArgumentError(_DEADLINE)
    if "model" in options:
        raise ArgumentError(
            "model is not an option of a target, which names its model; remove it"
        )
    given = {name: value for name, value in options.items() if value is not None}
    request = ChatRequest.build("", **cast("Any", given))
    names = [*given, "answer_form"] if "response_format" in given else [*given]
    return {name: getattr(request, name) for name in names}


def applied(
    request: ChatRequest, fields: Mapping[str, Any], given: Collection[str]
) -> ChatRequest:
    """Return a request with a target's options, except those that the call sets.

    Args:
        request: The request of the call.
        fields: The target's options, as `checked_options` returns them.
        given: The names of the call's options. The two `extra` are merged.
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
    """Return one `extra` of two; `upper` takes precedence.

    It works as `turnout.types.merged`, but keeps None, which removes a field that
    neither of the two sets.
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
