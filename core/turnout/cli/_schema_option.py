"""`--schema`: a file, JSON, or a list of fields as in `name, age int`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import click

from turnout.errors import ArgumentError
from turnout.types import ChatRequest

__all__ = ["read_schema"]

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}

_NAME = re.compile(r"[^\W\d]\w*")


def read_schema(given: str) -> Mapping[str, object]:
    """Return the JSON schema that `--schema` gives.

    Args:
        given: A JSON object, the name of a file with one, or fields. A field is a
            name, then perhaps a type, then perhaps a colon and a description. Commas
            divide fields, or line breaks if there are any.

    Raises:
        UsageError: It is none of these.
    """
    text = given.strip()
    if text.startswith("{"):
        schema = _object(text, "it")
    elif (path := Path(text)).suffix == ".json" or _is_file(path):
        schema = _object(_content(path), str(path))
    else:
        schema = _of_fields(text)
    try:
        ChatRequest.build("", response_format=schema)
    except ArgumentError as error:
        raise _refused(str(error)) from error
    return schema


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # A text that is too long, or has a NUL.
        return False


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise _refused(f"cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _refused(f"{str(path)!r} is not UTF-8; convert it") from error


def _object(text: str, name: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(f"{name} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise _refused(f"{name} is not a JSON object")
    return cast("dict[str, object]", value)


def _of_fields(text: str) -> Mapping[str, object]:
    properties: dict[str, object] = {}
    for line in text.split("\n" if "\n" in text else ","):
        field, _, description = line.partition(":")
        name, *types = field.split() or [""]
        if not name and not description:
            continue  # After the last comma.
        if not _NAME.fullmatch(name) or len(types) > 1:
            raise _refused(
                f"{line.strip()!r} is not a field; write NAME, NAME TYPE or "
                "NAME TYPE: DESCRIPTION, or give JSON or the name of a .json file"
            )
        kind = types[0] if types else "str"
        if kind not in _TYPES:
            raise _refused(
                f"unknown type {kind!r} of the field {name!r}; known: "
                f"{', '.join(_TYPES)}"
            )
        if name in properties:
            raise _refused(f"the field {name!r} is given twice")
        properties[name] = {"type": _TYPES[kind]} | (
            {"description": description.strip()} if description.strip() else {}
        )
    if not properties:
        raise _refused("it is empty; give fields, as in 'name, age int'")
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _refused(message: str) -> click.UsageError:
    return click.UsageError(f"--schema: {message}")
