"""A frozen class works as the one that `dataclass` makes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import (
    FrozenInstanceError,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)

import pytest

from turnout._frozen import frozen
from turnout.types import Citation


@frozen
class Place:
    """Somewhere."""

    name: str
    floor: int = 0
    rooms: list[str] = field(default_factory=list[str], compare=False)
    code: str = field(default="", repr=False)
    visits: list[str] = field(default_factory=list[str], init=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The same class by `dataclass`."""

    name: str
    floor: int = 0
    rooms: list[str] = field(default_factory=list[str], compare=False)
    code: str = field(default="", repr=False)
    visits: list[str] = field(default_factory=list[str], init=False, compare=False)


@frozen(kw_only=False)
class Point:
    """A point, whose numbers have an order."""

    x: int
    y: int = 2

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is at least 0")


@frozen
class Quiet:
    """A class with a repr of its own."""

    key: str

    def __repr__(self) -> str:
        return "Quiet(***)"


@dataclass(frozen=True, kw_only=True)
class Derived(Place):
    """A dataclass of one."""

    colour: str = "red"


def test_its_signature_is_the_one_of_a_dataclass() -> None:
    assert str(inspect.signature(Place)) == str(inspect.signature(Plain))
    assert Place.__init__.__qualname__ == "Place.__init__"
    assert Place.__init__.__module__ == __name__


def test_its_repr_is_the_one_of_a_dataclass() -> None:
    one = Place(name="Kitchen", rooms=["A"], code="secret")

    assert repr(one).removeprefix("Place") == repr(
        Plain(name="Kitchen", rooms=["A"], code="secret")
    ).removeprefix("Plain")


def test_the_repr_of_a_recursive_value_ends() -> None:
    rooms: list[object] = []
    one = Place(name="Hall", rooms=rooms)  # type: ignore[arg-type]
    rooms.append(one)

    assert "rooms=[...]" in repr(one)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Place(name="Hall"), True),
        (Place(name="Hall", rooms=["not compared"]), True),
        (Place(name="Hall", floor=1), False),
        (Plain(name="Hall"), False),
        (Derived(name="Hall"), False),
        ("Hall", False),
    ],
)
def test_two_are_equal_if_the_compared_fields_are(
    other: object, *, equal: bool
) -> None:
    one = Place(name="Hall")

    assert (one == other) is equal
    assert not equal or hash(one) == hash(other)


def test_a_default_factory_is_called_each_time() -> None:
    one, other = Place(name="Hall"), Place(name="Hall")

    assert one.rooms == other.rooms == one.visits == []
    assert one.rooms is not other.rooms
    assert one.visits is not other.visits


def test_no_field_can_be_changed() -> None:
    point = Point(1)

    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x  # pyright: ignore[reportAttributeAccessIssue]
    assert point == Point(1)
    assert not hasattr(point, "__dict__")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_it_is_copied(copied: Callable[[Place], Place]) -> None:
    one = Place(name="Hall", rooms=["A"])

    assert copied(one) == one
    assert copied(one).rooms == ["A"]


@pytest.mark.parametrize("one", [Place(name="Hall"), Point(1), Derived(name="Hall")])
def test_it_is_pickled(one: object) -> None:
    assert pickle.loads(pickle.dumps(one)) == one


def test_it_is_replaced_and_matched() -> None:
    match replace(Point(1), y=3):
        case Point(x, y):
            assert (x, y) == (1, 3)


def test_it_is_a_dataclass() -> None:
    assert is_dataclass(Place)
    assert [each.name for each in fields(Place)] == [
        each.name for each in fields(Plain)
    ]


def test_a_frozen_dataclass_may_be_derived_from_it() -> None:
    derived = Derived(name="Hall", colour="blue")

    assert (derived.name, derived.floor, derived.colour) == ("Hall", 0, "blue")
    with pytest.raises(FrozenInstanceError):
        derived.name = "Attic"  # type: ignore[misc]


def test_methods_that_a_class_defines_are_kept() -> None:
    assert repr(Quiet(key="secret")) == "Quiet(***)"


def test_it_is_checked_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="x is at least 0"):
        Point(-1)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument"):
        Place()  # type: ignore[call-arg]


def test_a_value_with_fields_makes_a_dictionary() -> None:
    citation = Citation(url="https://a.example", start=1)
    assert dict(citation)["url"] == "https://a.example"
    assert list(dict(citation)) == [each.name for each in fields(citation)]
    with pytest.raises(KeyError):
        citation["keys"]
