"""Make the values of a request quickly.

A frozen dataclass sets each field by `object.__setattr__`, as its own refuses, and that
takes ten times as long as to set a slot. Every stream makes a request, a message and an
attempt, of some thirty fields: a twentieth of all that a short answer takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import update_wrapper
from typing import Any, TypeVar, cast

__all__ = ["quick"]

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Have a frozen dataclass with slots set them directly when it is made.

    What it accepts stays what dataclasses made it accept.
    """
    own = fields(cast("Any", cls))
    scope: dict[str, object] = {"MISSING": MISSING}
    for field in own:
        scope[f"set_{field.name}"] = getattr(cls, field.name).__set__
        scope[f"default_{field.name}"] = field.default
        scope[f"make_{field.name}"] = field.default_factory
    keywords = [_parameter(field) for field in own if field.kw_only]
    parameters = [_parameter(field) for field in own if not field.kw_only]
    if keywords:
        parameters += ["*", *keywords]
    body = [f"set_{field.name}(self, {_value(field)})" for field in own]
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    # As dataclasses do it: a loop over the fields would cost more than it saves.
    text = f"def __init__(self, {', '.join(parameters)}):\n  " + "\n  ".join(body)
    exec(text, scope)  # noqa: S102 of the names of fields alone
    made = cast("Callable[..., None]", scope["__init__"])
    cast("Any", cls).__init__ = update_wrapper(made, cls.__init__)
    return cls


def _parameter(field: Field[Any]) -> str:
    if field.default is field.default_factory is MISSING:
        return field.name
    missing = field.default is MISSING
    return f"{field.name}={'MISSING' if missing else f'default_{field.name}'}"


def _value(field: Field[Any]) -> str:
    name = field.name
    if field.default_factory is MISSING:
        return name
    return f"make_{name}() if {name} is MISSING else {name}"
