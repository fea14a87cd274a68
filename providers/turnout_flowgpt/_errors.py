"""Errors that FlowGPT puts into an answer of status 200.

The service documents none, and no recording of one is public. An answer passes a
backend, a gateway and a proxy, so the forms that these usually send are read here:

    {"code": 401, "message": "Unauthorized"}
    {"statusCode": 429, "data": "Too many requests"}
    {"success": false, "msg": "The session has expired"}
    {"error": {"message": "...", "code": "..."}}
    {"event": "error", "data": "..."}

No I/O happens here. Imported with the first line that is not text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

__all__ = ["document_of", "reports_error"]

_Fields: TypeAlias = Mapping[str, Any]

_FAILED = frozenset({"exception", "fail", "failed", "failure"})
"""Names of events, types and states that are errors, as those with `error` are."""

_GOOD = frozenset({"", "none", "null", "ok", "success", "succeeded", "successful"})
"""Codes and words that do not mean an error."""

_HTTP_FAILURES = range(400, 600)

# Other names of fields, with the names in the core's table.
_NAMES = {
    "statusCode": "status_code",
    "httpStatus": "status_code",
    "errorCode": "error_code",
    "errcode": "error_code",
    "errno": "error_code",
    "errorMessage": "message",
    "error_message": "message",
    "errmsg": "message",
    "error_description": "detail",
    "description": "detail",
}

_STATES = ("type", "status", "result")
_CODES = ("code", "error_code", "status", "status_code")
_FLAGS = ("success", "ok")
_WORDS = ("message", "msg", "detail", "data")
_INNER = ("error", "errors", "data", "detail", "message")


def reports_error(line: _Fields) -> bool:
    """Return whether a line that is not text reports that the answer failed.

    A line of another event does so only if it has `error`: its other fields belong to
    that event.
    """
    event = line.get("event")
    error = line.get("error")
    if event and isinstance(event, str):
        return _names_failure(event) or _is_told(error)
    fields = _renamed(line)
    return (
        bool(error or fields.get("errors"))
        or any(fields.get(name) in (False, "false") for name in _FLAGS)
        or any(_names_failure(fields.get(name)) for name in _STATES)
        or any(_fails(fields, name) for name in _CODES)
    )


def document_of(line: _Fields) -> bytes:
    """Return an error in the form that the core reads, with its details in `error`."""
    fields = _renamed(line)
    inner = (_opened(line.get(name)) for name in _INNER)
    details = next(filter(_is_told, inner), None)
    if details is not None:
        fields["error"] = details
    return json.dumps(fields).encode()


def _renamed(line: _Fields) -> dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in line.items()}


def _is_told(value: object) -> bool:
    return isinstance(value, str | dict | list) and bool(cast("object", value))


def _names_failure(name: object) -> bool:
    if not isinstance(name, str):
        return False
    name = name.lower()
    return name in _FAILED or name.startswith("error") or name.endswith("error")


def _is_good(word: object) -> bool:
    return not word or (isinstance(word, str) and word.lower() in _GOOD)


def _has_words(fields: _Fields) -> bool:
    words = map(fields.get, _WORDS)
    return any(_is_told(word) and not _is_good(word) for word in words)


def _fails(fields: _Fields, name: str) -> bool:
    """Return whether a code means a failure.

    An HTTP status is enough. A code of the service's own needs a message beside it.
    """
    code = fields.get(name)
    if isinstance(code, bool) or not isinstance(code, int | str):
        return False
    number = _number(code)
    if number in _HTTP_FAILURES:
        return True
    if number is None:
        # `status` has many words for success: "completed", "streaming".
        failed = name != "status" and not _is_good(code)
    else:
        failed = number < 0 or number >= _HTTP_FAILURES.stop
    return failed and _has_words(fields)


def _number(code: int | str) -> int | None:
    try:
        return int(code)
    except ValueError:
        return None


def _opened(value: object) -> object:
    """Return the value of a text that is JSON; any other value as it is."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return cast("object", json.loads(value))
    except ValueError:
        return value
