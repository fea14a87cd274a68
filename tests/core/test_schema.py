"""Validation of a JSON value against a schema."""

from __future__ import annotations

from typing import Any

import pytest

from turnout._schema import faults

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, object()),
        ({"type": "string"}, "x"),
        ({"type": "integer"}, 3),
        ({"type": "integer"}, 3.0),
        ({"type": "number"}, 3.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array"}, []),
        ({"type": ["string", "null"]}, None),
        ({"type": "of another draft"}, 1),
        ({"enum": ["a", 1]}, 1),
        ({"enum": [[1, {"a": 2}]]}, [1, {"a": 2}]),
        ({"const": None}, None),
        (CITY, {"name": "Paris", "people": 2}),
        ({"required": ["a"]}, "no object"),
        ({"properties": {"a": False}}, "no object"),
        ({"properties": {"a": False}}, {}),
        ({"additionalProperties": {"type": "null"}}, {"a": None}),
        ({"additionalProperties": False}, 1),
        ({"additionalProperties": False, "patternProperties": {"^a": {}}}, {"a": 1}),
        ({"items": {"type": "null"}}, [None, None]),
        ({"items": False}, "no list"),
        ({"prefixItems": [{"type": "null"}], "items": {"type": "string"}}, [None, "a"]),
        ({"prefixItems": [{"type": "null"}]}, []),
        ({"prefixItems": [False]}, "no list"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, "x"),
        ({"oneOf": [{"type": "null"}, {"type": "string"}]}, "x"),
        # Patterns are not checked, and may exclude one of the two.
        ({"oneOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, "a"),
        ({"allOf": [{"type": "string"}, {"maxLength": 1}]}, "x"),
        ({"minimum": 1, "maximum": 1}, 1),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 2}, 1),
        ({"minimum": 1, "exclusiveMinimum": True}, 1),
        ({"minimum": 5}, True),
        ({"minimum": 5}, "no number"),
        ({"minLength": 2}, "é!"),
        ({"minItems": 1, "maxItems": 1}, ["a"]),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, None),
        ({"$ref": "#/$defs/a~1b~0", "$defs": {"a/b~": True}}, None),
        ({"$ref": "#/$defs/missing/deeper"}, 1),
        ({"$ref": "https://example.com/schema"}, 1),
        ({"$ref": "#anchor"}, 1),
        ({"$ref": "#"}, 1),
        ({"allOf": [{"$ref": "#"}]}, 1),
        ({"format": "date", "pattern": "^x", "if": {}}, "y"),
    ],
)
def test_a_value_that_matches_has_no_faults(
    schema: dict[str, Any], value: object
) -> None:
    assert list(faults(value, schema)) == []


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "string"}, 1, ["it is not a string"]),
        ({"type": "integer"}, 3.5, ["it is not an integer"]),
        ({"type": "integer"}, True, ["it is not an integer"]),
        ({"type": ["string", "null"]}, 1, ["it is not a string or null"]),
        ({"enum": [1]}, True, ["it is not one of the allowed values"]),
        ({"enum": [[1]]}, [2], ["it is not one of the allowed values"]),
        ({"enum": [[1]]}, [1, 1], ["it is not one of the allowed values"]),
        ({"const": {"a": 1}}, {"a": 2}, ["it is not the only allowed value"]),
        ({"const": {"a": 1}}, {"b": 1}, ["it is not the only allowed value"]),
        (CITY, [], ["it is not an object"]),
        (
            CITY,
            {"name": 1, "mayor": "?"},
            [
                "'people' is missing",
                "name: it is not a string",
                "mayor: it is not allowed here",
            ],
        ),
        ({"items": {"items": {"type": "null"}}}, [[], [1]], ["1.0: it is not null"]),
        ({"prefixItems": [True, False]}, [1, 2], ["1: it is not allowed here"]),
        (
            {"anyOf": [{"type": "null"}, {"type": "string"}]},
            1,
            ["it matches none of the allowed schemas"],
        ),
        ({"oneOf": [False]}, 1, ["it matches none of the allowed schemas"]),
        ({"allOf": [{"type": "null"}]}, 1, ["it is not null"]),
        ({"minimum": 1}, 0, ["it is less than 1"]),
        ({"maximum": 1}, 2, ["it is more than 1"]),
        ({"exclusiveMinimum": 1}, 1, ["it is not more than 1"]),
        ({"exclusiveMaximum": 1}, 1, ["it is not less than 1"]),
        ({"minLength": 2}, "a", ["it has fewer characters than 2"]),
        ({"maxLength": 2}, "abc", ["it has more characters than 2"]),
        ({"minItems": 1}, [], ["it has fewer items than 1"]),
        ({"maxItems": 0}, [1], ["it has more items than 0"]),
        (
            {
                "properties": {"next": {"$ref": "#"}, "end": {"type": "null"}},
            },
            {"next": {"next": {"end": 1}}},
            ["next.next.end: it is not null"],
        ),
    ],
)
def test_faults_are_reported_with_their_position(
    schema: dict[str, Any], value: object, told: list[str]
) -> None:
    assert list(faults(value, schema)) == told
