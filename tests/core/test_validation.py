"""Mappings that are validated against dataclasses."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from annotated_types import Gt
from pydantic import BaseModel

from turnout._validation import checked
from turnout.errors import ConfigError
from turnout.types import Secret

VALUE = "sk-canary-0123456789"


class Limits(BaseModel, extra="forbid"):
    requests: int = 1


@dataclass(frozen=True, kw_only=True)
class Options:
    """Has every kind of annotation that is checked."""

    kind: ClassVar[str] = "no option"
    text: str = "x"
    flag: bool = False
    count: int = 0
    seconds: float = 1.0
    anything: object = None
    maybe: int | None = None
    late: None | int = None  # noqa: RUF036 some people write it so
    marks: dict[str, None] = field(default_factory=dict[str, None])
    number: int | str = 0
    key: Secret | None = None
    file: Path | None = None
    names: tuple[str, ...] = ()
    table: dict[str, int] = field(default_factory=dict[str, int])
    view: Mapping[str, object] = field(default_factory=dict[str, object])
    mode: Literal["off", "on"] = "off"
    limits: Limits | None = None
    pair: tuple[int, str] = (0, "")
    either: int | str | None = None
    positive: Annotated[float, Gt(0)] = 1.0
    described: Annotated[int, ["unhashable"]] = 0
    counted: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count is 0 or more")


@dataclass(frozen=True, kw_only=True)
class Demanding:
    region: str
    text: str = "x"


def options(**values: object) -> Options:
    return checked(Options, values, "option of X")


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("text", "y", "y"),
        ("flag", True, True),
        ("flag", "yes", True),
        ("count", 5, 5),
        ("count", "5", 5),
        ("seconds", 5, 5.0),
        ("seconds", "2.5", 2.5),
        ("anything", [1], [1]),
        ("anything", True, True),
        ("flag", 1, True),
        ("view", {"a": True}, {"a": True}),
        ("anything", None, None),
        ("maybe", None, None),
        ("maybe", 5, 5),
        ("late", None, None),
        ("late", "5", 5),
        ("marks", {"a": None}, {"a": None}),
        ("number", "a", "a"),
        ("key", VALUE, Secret(VALUE)),
        ("key", f" {VALUE}\n", Secret(VALUE)),
        ("key", Secret(VALUE), Secret(VALUE)),
        ("key", None, None),
        ("file", "/a/b", Path("/a/b")),
        ("file", Path("/a/b"), Path("/a/b")),
        ("file", "~/b", Path.home() / "b"),
        ("names", ["a", "b"], ("a", "b")),
        ("names", ("a",), ("a",)),
        ("table", {"a": "1"}, {"a": 1}),
        ("view", {"a": [1]}, {"a": [1]}),
        ("mode", "on", "on"),
        ("limits", {"requests": 5}, Limits(requests=5)),
        ("pair", [1, "a"], (1, "a")),
        ("either", "a", "a"),
        ("either", 1, 1),
        ("positive", 0.1, 0.1),
        ("described", "5", 5),
    ],
)
def test_a_value_is_converted_by_its_annotation(
    name: str, given: object, kept: object
) -> None:
    value = getattr(options(**{name: given}), name)

    assert value == kept
    assert type(value) is type(kept)


def test_a_field_without_a_value_keeps_its_default() -> None:
    assert options() == Options()
    assert options(count=5) == Options(count=5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"txet": 1}, "option of X: unknown option 'txet'; did you mean 'text'?"),
        (
            {"counted": 1},
            "option of X: unknown option 'counted'; did you mean 'count'?",
        ),
        (
            {"text": ""},
            "option of X: text: string should have at least 1 character, not ''",
        ),
        ({"text": 5}, "option of X: text: input should be a valid string, not 5"),
        (
            {"count": "many"},
            "option of X: count: input should be a valid integer, unable to parse "
            "string as an integer, not 'many'",
        ),
        (
            {"count": None},
            "option of X: count: input should be a valid integer, not None",
        ),
        (
            {"seconds": float("nan")},
            "option of X: seconds: input should be a finite number, not nan",
        ),
        (
            {"key": " "},
            "option of X: key: it is blank; set it",
        ),
        (
            {"key": Secret("")},
            "option of X: key: it is blank; set it",
        ),
        (
            {"key": f"{VALUE}\nX: y"},
            "option of X: key: it has a line break; remove it",
        ),
        (
            {"key": 5},
            "option of X: key: expected a string",
        ),
        ({"count": True}, "option of X: count: expected a number, not True"),
        ({"seconds": False}, "option of X: seconds: expected a number, not False"),
        ({"maybe": True}, "option of X: maybe: expected a number, not True"),
        ({"late": True}, "option of X: late: expected a number, not True"),
        ({"number": True}, "option of X: number: expected a number, not True"),
        ({"either": True}, "option of X: either: expected a number, not True"),
        ({"positive": True}, "option of X: positive: expected a number, not True"),
        ({"described": True}, "option of X: described: expected a number, not True"),
        (
            {"table": {"a": True}},
            "option of X: table.a: expected a number, not True",
        ),
        pytest.param(
            {"text": [[[[[[[[1]]]]]]]]},
            "option of X: text: input should be a valid string, not [[[[[[[...]]]]]]]",
            id="a deep value",
        ),
        pytest.param(
            {"count": "x" * 1000},
            "option of X: count: input should be a valid integer, unable to parse "
            f"string as an integer, not '{'x' * 97}...{'x' * 98}'",
            id="a long value",
        ),
        pytest.param(
            {"text": 10**5000},
            "option of X: text: input should be a valid string, not an int",
            id="a number that cannot be written",
        ),
        (
            {"file": "~no-such-user/x"},
            "option of X: file: the home directory of '~no-such-user/x' is not "
            "known; write the full path",
        ),
        ({"file": 5}, "option of X: file: expected a path, not 5"),
        ({"file": ""}, "option of X: file: expected a path, not ''"),
        ({"names": "a"}, "option of X: names: input should be a list, not 'a'"),
        (
            {"names": ["a", 5]},
            "option of X: names.1: input should be a valid string, not 5",
        ),
        (
            {"table": {"a": "x"}},
            "option of X: table.a: input should be a valid integer, unable to parse "
            "string as an integer, not 'x'",
        ),
        (
            {"table": VALUE},
            "option of X: table: input should be a table of keys and values, not a str",
        ),
        (
            {"text": {"key": VALUE}},
            "option of X: text: input should be a valid string, not a dict",
        ),
        ({"mode": "of"}, "option of X: mode: input should be 'off' or 'on', not 'of'"),
        (
            {"limits": {"request": 5}},
            "option of X: limits.request: extra inputs are not permitted, not 5",
        ),
        (
            {"positive": 0},
            "option of X: positive: input should be greater than 0, not 0",
        ),
        ({"count": -1}, "option of X: count is 0 or more"),
        (
            {"txet": 1, "count": "x", "key": ""},
            "option of X: count: input should be a valid integer, unable to parse "
            "string as an integer, not 'x'; key: it is blank; set it; unknown "
            "option 'txet'; did you mean 'text'?",
        ),
        (
            {"txet": 1, "cuont": 2},
            "option of X: unknown option 'txet'; did you mean 'text'? Unknown "
            "option 'cuont'; did you mean 'count'?",
        ),
    ],
)
def test_the_error_of_a_wrong_value_says_what_is_expected(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        options(**values)

    assert str(caught.value) == message


def test_the_error_of_a_name_without_a_likely_match_lists_all_names() -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Demanding, {"region": "eu", "zzzz": 1}, "option of X")

    assert (
        str(caught.value) == "option of X: unknown option 'zzzz'; known: region, text"
    )


@pytest.mark.parametrize("values", [{}, {"text": "y"}])
def test_a_field_without_a_default_is_required(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Demanding, values, "option of X")

    assert str(caught.value) == "option of X: region: field required"


def test_a_field_without_a_default_can_be_set() -> None:
    assert checked(Demanding, {"region": "eu"}, "option of X").region == "eu"


def test_the_error_does_not_hold_the_values() -> None:
    with pytest.raises(ConfigError) as caught:
        options(key=VALUE, count="x")
    error: BaseException = caught.value

    assert error.__cause__ is error.__context__ is None
    assert VALUE not in "".join(traceback.format_exception(error))


def loaded_by(program: str) -> str:
    """Return which modules of pydantic a program has imported when it ends."""
    tail = "import sys; print(*(m for m in sys.modules if m.split('.')[0] in wanted))"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"wanted = 'pydantic', 'pydantic_core'; {program}; {tail}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


PREPARE = (
    "from turnout._validation import checked; "
    "from turnout.provider import ProviderOptions as O"
)


def test_pydantic_is_not_imported_without_options() -> None:
    assert loaded_by(f"{PREPARE}; checked(O, {{}}, '')") == ""


def test_pydantics_generator_is_not_imported_for_plain_annotations() -> None:
    given: dict[str, Any] = {
        "api_key": "k",
        "base_url": "http://x",
        "connect_timeout": 1,
        "max_bytes": 5,
    }

    loaded = loaded_by(f"{PREPARE}; checked(O, {given!r}, '')").split()

    assert "pydantic_core" in loaded
    assert "pydantic" not in loaded


def test_pydantics_generator_is_not_imported_for_choices_tables_and_paths() -> None:
    loaded = loaded_by(
        "from turnout._validation import checked; "
        "from dataclasses import make_dataclass; "
        "from pathlib import Path; "
        "from typing import Literal, Mapping; "
        "fields = {'a': Literal['x', 'y'], 'b': Path, 'c': Mapping[str, object], "
        "'d': tuple[str, ...], 'e': dict[str, bool] | None}; "
        "cls = make_dataclass('C', fields.items()); "
        "checked(cls, {'a': 'x', 'b': '.', 'c': {}, 'd': [], 'e': {'f': True}}, '')"
    ).split()

    assert "pydantic_core" in loaded
    assert "pydantic" not in loaded


def test_pydantics_generator_is_not_imported_for_a_policy_or_a_file() -> None:
    loaded = loaded_by(
        "from turnout._validation import checked; "
        "from turnout.routes import Policy; "
        "from turnout._config import _File; "
        "checked(Policy, {'deadline': 5}, ''); "
        "checked(_File, {'order': ['a'], 'aliases': {'a': 'b'}}, '')"
    ).split()

    assert "pydantic" not in loaded


@dataclass(frozen=True, kw_only=True)
class Outer:
    options: Options = field(default_factory=Options)


def test_a_table_within_a_table_is_an_instance_or_a_mapping() -> None:
    made = Options()

    assert checked(Outer, {"options": made}, "x").options is made
    assert checked(Outer, {"options": {}}, "x").options == Options()


@pytest.mark.parametrize("given", [5, "text", None, ["a"]])
def test_a_value_that_is_not_a_table_is_refused_within_a_table(given: object) -> None:
    with pytest.raises(
        ConfigError, match="x: options: expected a table of keys and values"
    ):
        checked(Outer, {"options": given}, "x")


def test_a_wrong_key_within_a_table_is_an_error() -> None:
    with pytest.raises(ConfigError, match="unknown option 'optins'"):
        checked(Outer, {"options": {"optins": 1}}, "x")


def test_options_are_checked_despite_broken_metadata_of_a_package(
    tmp_path: Path,
) -> None:
    # pydantic reads the metadata of all packages when it makes its first schema.
    folder = tmp_path / "other-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: other\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[console_scripts]\nno equals sign\n")
    program = """
from dataclasses import dataclass
from turnout._validation import checked

@dataclass
class Options:
    names: set[int]

print(checked(Options, {"names": ["1"]}, "x"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("Options(names={1})\n", "")
