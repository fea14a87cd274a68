"""Validate mappings against dataclasses, with pydantic-core.

A field is validated by its annotation. Plain annotations are mapped to pydantic-core's
schemas here: importing pydantic's generator of schemas takes a third of aiohttp's
whole import, and most processes need it for nothing else. Other annotations are passed
to that generator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache, partial, reduce
from reprlib import Repr
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

from turnout._environment import SecretReference
from turnout._keys import (
    fault_of_address,
    fault_of_key,
    fault_of_quotes,
    fault_of_secret,
    parts_of_address,
)
from turnout._names import did_you_mean, followed, nearest
from turnout.errors import ConfigError
from turnout.types import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import CoreSchema, ErrorDetails, SchemaValidator

__all__ = ["checked", "hidden", "kind_of", "shown"]

T = TypeVar("T")

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200

_HIDDEN = {"api_key", "proxy"}

_MARKS = frozenset("@?#")
"""The characters before or after a credential in an address."""

_SECRET_WORDS = ("auth", "code", "key", "pass", "secret", "sig", "token")
"""Parts of the names of query parameters that have a credential."""


def checked(cls: type[T], values: Mapping[str, object], where: str) -> T:
    """Return an instance of the dataclass `cls` with the fields `values`.

    Args:
        cls: A dataclass; fields that are not in `values` keep their defaults.
        values: The values by the names of the fields.
        where: The beginning of a message, such as `option of provider 'X'`. Empty if
            the message is part of another.

    Raises:
        ConfigError: A name is unknown or a value is wrong; the message lists each
            of them, with what was expected.
    """
    if not values and not _demanding(cast("Hashable", cls)):
        return cls()
    from pydantic_core import ValidationError

    prefix = f"{where}: " if where else ""
    try:
        fields = _validator(cast("Hashable", cls)).validate_python(dict(values))
        return cls(**fields)
    except ValidationError as error:
        details = error.errors(include_url=False)
        message = prefix + reduce(
            followed, (_message(detail, cls) for detail in details)
        )
    except ValueError as error:  # __post_init__ checks ranges.
        message = f"{prefix}{error}"
    # Outside the handler: pydantic's error has the values, which may be keys.
    raise ConfigError(message)


def hidden(options: Mapping[str, object]) -> dict[str, object]:
    """Return options with those that are secret in every provider as `Secret`.

    It is called as early as possible, so that no frame of a traceback has the values.
    """
    return {name: _hidden(name, value) for name, value in options.items()}


class _RefusedAddress(Secret):
    """An address that may have a credential; it is refused, and not shown."""

    __slots__ = ()

    @property
    def fault(self) -> str:
        """What is wrong with it."""
        fault = fault_of_address(self.reveal())
        assert fault is not None  # By `_may_hold_credential`.
        return fault


def _may_hold_credential(address: str) -> bool:
    if _MARKS.isdisjoint(address):
        return False
    parts = parts_of_address(address)
    if parts is None or not parts.netloc:
        return True
    rest = f"{parts.query}#{parts.fragment}".casefold()
    return "@" in parts.netloc or any(word in rest for word in _SECRET_WORDS)


def _hidden(name: str, value: object) -> object:
    if name in _HIDDEN and isinstance(value, str):
        return value if isinstance(value, SecretReference) else Secret(value)
    if name == "base_url" and isinstance(value, str) and _may_hold_credential(value):
        return _RefusedAddress(value)
    if name == "headers" and isinstance(value, Mapping):
        from turnout._headers import with_secrets

        return with_secrets(cast("Mapping[str, object]", value))
    return value


def kind_of(value: object) -> str:
    """Return what kind of value this is, for a message."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def shown(value: object) -> str:
    """Return a value for a message, shortened if it is long or deep."""
    try:
        return _SHORT.repr(value)
    except Exception:  # noqa: BLE001 an integer with too many digits, or its own `__repr__`
        return kind_of(value)


def _message(detail: ErrorDetails, cls: type) -> str:
    place, wrong = ".".join(str(step) for step in detail["loc"]), detail["type"]
    if wrong == "extra_forbidden" and len(detail["loc"]) == 1:
        known = [field.name for field in _fields(cls)]
        hint: str | None = getattr(cls, "hint_for", _no_hint)(place)
        if hint is not None:
            return f"unknown option {place!r}; {hint}"
        guesses = did_you_mean(nearest(place, known))
        return f"unknown option {place!r}{guesses or _listed(known)}"
    message = _WORDS.get(wrong, detail["msg"]).removeprefix("Value error, ")
    given: object = detail["input"]
    if isinstance(given, _RefusedAddress):
        return f"{place} {given.fault}"
    kind = kind_of(given)
    if wrong in {
        "missing",
        "value_error",
    }:  # The latter shows the value itself, or must not.
        but = ""
    elif wrong == "dict_type" or isinstance(given, Mapping):
        # A value in place of a table of options may be a key.
        but = f", not {kind}"
    else:
        but = f", not {shown(given)}"
    return f"{place}: {message[:1].lower()}{message[1:]}{but}"


def _no_hint(name: str) -> None:
    return None


# pydantic's messages name Python's types, which the author of a file may not know.
_WORDS = {
    "tuple_type": "input should be a list",
    "dict_type": "input should be a table of keys and values",
}


def _listed(names: list[str]) -> str:
    return f"; known: {', '.join(names)}"


@cache
def _validator(cls: Hashable) -> SchemaValidator:
    from pydantic_core import SchemaValidator

    return SchemaValidator(_mapping_schema(cast("type", cls)))


@cache
def _demanding(cls: Hashable) -> bool:
    """Return whether a dataclass has a field without a default."""
    return any(map(_required, _fields(cast("type", cls))))


def _fields(cls: type) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(cls) if field.init]


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


def _mapping_schema(cls: type) -> CoreSchema:
    import typing

    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        "type": "typed-dict",
        "fields": {
            field.name: {
                "type": "typed-dict-field",
                "schema": _schema(hints[field.name]),
                "required": _required(field),
            }
            for field in _fields(cls)
        },
        "extra_behavior": "forbid",
    }


def _schema(annotation: Any) -> CoreSchema:
    schema = _schema_of(annotation)
    leaves = _leaves(annotation)
    # pydantic takes True as the number 1, which hides a mistake.
    if leaves & {int, float} and not leaves & {bool, object, Any}:
        return {
            "type": "function-before",
            "function": {"type": "no-info", "function": _no_flag},
            "schema": schema,
        }
    return schema


def _leaves(annotation: Any) -> set[Any]:
    """Return the types that an annotation allows for a value itself."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _leaves(arguments[0])
    if origin in {Union, UnionType}:
        return {leaf for each in arguments for leaf in _leaves(each)}
    return {annotation} if isinstance(annotation, type) else {origin}


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"expected a number, not {value}")
    return value


def _schema_of(annotation: Any) -> CoreSchema:
    origin, arguments = get_origin(annotation), get_args(annotation)
    # An annotation with an origin may not be hashable.
    if origin is None and annotation in _plain():
        return _plain()[annotation]
    if origin in {Union, UnionType} and set(arguments) == {str, Secret}:
        return _converter(_text_or_secret)
    if origin in {Union, UnionType} and Secret in arguments:
        rest = tuple(item for item in arguments if item is not Secret)
        return _secret_or(Union[rest])  # noqa: UP007 the types are not known statically
    if origin in {Union, UnionType} and NoneType in arguments and len(arguments) == 2:
        inner = next(item for item in arguments if item is not NoneType)
        return {"type": "nullable", "schema": _schema(inner)}
    if origin is Annotated and Secret in _leaves(annotation):
        return _schema(arguments[0])  # pydantic has no schema for Secret.
    if origin in {list, Sequence}:
        return {"type": "list", "items_schema": _schema(arguments[0])}
    if origin is tuple and arguments[1:] == (...,):
        return {
            "type": "tuple",
            "items_schema": [_schema(arguments[0])],
            "variadic_item_index": 0,
        }
    if origin is Literal:
        return {"type": "literal", "expected": list(arguments)}
    if dataclasses.is_dataclass(annotation):
        return _converter(partial(_nested, cast("type[object]", annotation)))
    if origin in {dict, Mapping}:
        keys, items = arguments
        return {
            "type": "dict",
            "keys_schema": _schema(keys),
            "values_schema": _schema(items),
        }
    from pydantic import TypeAdapter

    try:
        return TypeAdapter[object](annotation).core_schema
    except TypeError:
        # pydantic reads the metadata of all packages once, for its own plugins. This
        # fails if any package has broken metadata. Then pydantic works without plugins.
        return TypeAdapter[object](annotation).core_schema


def _converter(convert: Callable[[object], object]) -> CoreSchema:
    function: Any = {"type": "no-info", "function": convert}
    return {"type": "function-plain", "function": function}


def _nested(cls: type[object], value: object) -> object:
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("expected a table of keys and values")
    return checked(cls, cast("Mapping[str, object]", value), "")


def _secret_or(rest: Any) -> CoreSchema:
    """Return the schema of a value that may be a `Secret`, or else of `rest`."""
    if rest is NoneType:
        return {"type": "nullable", "schema": _plain()[Secret]}
    schema: Any = _schema(rest)
    takes_text = str in _leaves(rest)

    def convert(value: object, check: Callable[[object], object]) -> object:
        is_text = isinstance(value, str) and not takes_text
        if isinstance(value, Secret | SecretReference) or is_text:
            return _secret(value)
        return check(value)

    function: Any = {"type": "no-info", "function": convert}
    return {"type": "function-wrap", "function": function, "schema": schema}


def _text_or_secret(value: object) -> str | Secret:
    if isinstance(value, SecretReference):
        # A header's value is sent unchanged.
        return _referred(value, fault_of_key)
    if isinstance(value, str | Secret):
        return value
    raise ValueError("expected a string or a Secret")


def _secret(value: object) -> Secret:
    if isinstance(value, SecretReference):
        return _referred(value, fault_of_secret)
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        raise ValueError("expected a string")
    # A key that was read from a file often ends with a line break.
    key = text.strip()
    fault = fault_of_secret(key)
    if fault is None:
        return Secret(key)
    # The value is a secret and not shown.
    raise ValueError(f"it {fault}")


def _referred(
    reference: SecretReference, fault_of: Callable[[str], str | None]
) -> Secret:
    """Return the secret that a string such as `env:NAME` refers to."""
    text = reference.read().strip()
    fault = fault_of(text) or fault_of_quotes(text)
    if fault is None:
        return Secret(text)
    # The error names the source here, as the secret itself does not keep it.
    raise ValueError(f"{reference.source} {fault}")


def _path(value: object) -> Path:
    from pathlib import Path

    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"expected a path, not {shown(value)}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(
            f"the home directory of {str(value)!r} is not known; write the full path"
        ) from None


@cache
def _plain() -> dict[Any, CoreSchema]:
    from pathlib import Path

    return {
        object: {"type": "any"},
        str: {"type": "str", "min_length": 1},
        bool: {"type": "bool"},
        int: {"type": "int"},
        float: {"type": "float", "allow_inf_nan": False},
        Secret: _converter(_secret),
        Path: _converter(_path),
    }
