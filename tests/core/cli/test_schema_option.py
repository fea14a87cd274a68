"""The forms of `--schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from turnout.cli._schema_option import read_schema


def fields(**properties: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        pytest.param("name", fields(name={"type": "string"}), id="one"),
        pytest.param(
            " name, age int,b float , c bool, d str,",
            fields(
                name={"type": "string"},
                age={"type": "integer"},
                b={"type": "number"},
                c={"type": "boolean"},
                d={"type": "string"},
            ),
            id="types",
        ),
        pytest.param(
            "name: the first name, age int: in years",
            fields(
                name={"type": "string", "description": "the first name"},
                age={"type": "integer", "description": "in years"},
            ),
            id="descriptions",
        ),
        pytest.param(
            "name: first, last\n\nage int\n",
            fields(
                name={"type": "string", "description": "first, last"},
                age={"type": "integer"},
            ),
            id="lines",
        ),
        pytest.param(' {"type": "object"}', {"type": "object"}, id="JSON"),
    ],
)
def test_a_schema_is_read(given: str, schema: dict[str, Any]) -> None:
    assert read_schema(given) == schema


@pytest.mark.parametrize("name", ["dog.json", "dog", "dog.txt"])
def test_a_file_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('\ufeff{"type": "object"}', "utf-8")

    assert read_schema(str(tmp_path / name)) == {"type": "object"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("", "it is empty; give fields", id="empty"),
        pytest.param(",", "it is empty; give fields", id="comma"),
        pytest.param("{", "it is not valid JSON: ", id="JSON"),
        pytest.param("name age int", "'name age int' is not a field", id="words"),
        pytest.param("a b" * 5000, "is not a field", id="long"),
        pytest.param("a\0b", "is not a field", id="NUL"),
        pytest.param("1st", "'1st' is not a field; write NAME", id="name"),
        pytest.param(": text", "': text' is not a field", id="no name"),
        pytest.param("age number", "known: str, int, float, bool", id="type"),
        pytest.param("a, a int", "the field 'a' is given twice", id="twice"),
        pytest.param("no.json", "cannot read 'no.json': No such file", id="no file"),
        pytest.param(
            '{"type": "json_schema"}', "response_format", id="not a response format"
        ),
    ],
)
def test_what_is_no_schema_is_wrong_usage(given: str, message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        read_schema(given)

    assert caught.value.message.startswith("--schema: ")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1]", "is not a JSON object"),
        (b"\xff", "is not UTF-8; convert it"),
        (b"[" * 100_000, "is not valid JSON"),
    ],
)
def test_a_wrong_file_is_told_by_its_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dog.json").write_bytes(content)

    with pytest.raises(click.UsageError, match=r"dog\.json.* is not") as caught:
        read_schema("dog.json")

    assert message in caught.value.message
