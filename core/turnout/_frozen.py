"""Frozen dataclasses that are declared in a quarter of the time.

For each frozen class `dataclass` writes and compiles six functions, which took a third
of turnout's import time. Its `__init__` takes ten times as long to set a field as a
slot takes, and every stream makes a request, a message and an attempt, with about
thirty fields. Here all classes share the five functions that need not be fast, and the
sixth, `__init__`, sets the slots directly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache, partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, Never, TypeVar, cast, dataclass_transform, overload

__all__ = ["WithFields", "frozen"]

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(field, Field)
)
def frozen(cls: type[Any] | None = None, /, *, kw_only: bool = True) -> Any:
    """Make a class what `dataclass(frozen=True, slots=True, kw_only=True)` makes it.

    `fields`, `replace`, `match`, `copy` and `pickle` work as with such a dataclass, and
    a frozen dataclass can be derived from it.
    """
    if cls is None:
        return partial(_made, kw_only=kw_only)
    return _made(cls, kw_only=kw_only)


def _made(cls: type[Any], *, kw_only: bool) -> Any:
    # With these arguments `dataclass` compiles nothing.
    bare = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
    made: Any = bare(cls)
    # Otherwise no frozen dataclass could be derived from it.
    made.__dataclass_params__.frozen = True
    made.__init__ = _init(made)
    for name, shared in _SHARED.items():
        if name not in vars(made):
            setattr(made, name, shared)
    return made


class WithFields:
    """A base class of frozen values that `dict(value)` converts to a dictionary."""

    __slots__ = ()

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return tuple(each.name for each in fields(cast("Any", self)))

    def __getitem__(self, name: str) -> object:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)


def _init(cls: type[Any]) -> Callable[..., None]:
    """Return an `__init__` that sets the slots of a class directly."""
    scope: dict[str, object] = {"FACTORY": _FACTORY}
    given = [each for each in fields(cls) if each.init]
    parameters = [_parameter(each) for each in given if not each.kw_only]
    if any(each.kw_only for each in given):
        parameters.append("*")
        parameters += [_parameter(each) for each in given if each.kw_only]
    body: list[str] = []
    for each in fields(cls):
        scope[f"set_{each.name}"] = getattr(cls, each.name).__set__
        scope[f"default_{each.name}"] = each.default
        scope[f"make_{each.name}"] = each.default_factory
        body.append(f"set_{each.name}(self, {_source(each)})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    # Source text, as in dataclasses: a loop over the fields would be slower.
    text = f"def __init__(self, {', '.join(parameters)}):\n  " + "\n  ".join(body)
    exec(text, scope)  # noqa: S102 made only of names of fields
    made: Any = scope["__init__"]
    made.__module__ = cls.__module__
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {each.name: each.type for each in given} | {"return": None}
    return cast("Callable[..., None]", made)


def _parameter(each: Field[Any]) -> str:
    if each.default is not MISSING:
        return f"{each.name}=default_{each.name}"
    return each.name if each.default_factory is MISSING else f"{each.name}=FACTORY"


def _source(each: Field[Any]) -> str:
    """Return the expression that a field is set to."""
    if each.default_factory is MISSING:
        return each.name
    made = f"make_{each.name}()"
    return f"{made} if {each.name} is FACTORY else {each.name}" if each.init else made


class _Factory:
    """The default in a signature for a value that a factory makes."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


@cache
def _compared(cls: type[Any]) -> Callable[[object], object]:
    """Return a getter of the values that instances of a class are compared by."""
    return attrgetter(*(each.name for each in fields(cls) if each.compare))


def _eq(self: Any, other: Any) -> object:
    cls: type[Any] = self.__class__
    if other.__class__ is not cls:
        return NotImplemented
    compared = _compared(cls)
    return compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (each.name for each in fields(self) if each.repr)
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{self.__class__.__qualname__}({values})"


def _setattr(self: object, name: str, value: object) -> Never:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: object, name: str) -> Never:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _setstate(self: Any, state: list[object]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


_SHARED: dict[str, object] = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
