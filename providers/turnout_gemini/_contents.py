"""A conversation in Gemini's form: turns of the user and of the model, in parts.

Neighbouring messages of one role are one turn; the results of tools are a turn of their
own, as "the number of function response parts" has to be that of the calls before them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from turnout.errors import UnsupportedError
from turnout.types import ChatRequest, Message, Part, TextPart, ToolCall
from turnout_gemini._calls import is_made
from turnout_gemini._extra import refuse
from turnout_gemini._models import is_before_3
from turnout_gemini._parts import part_of
from turnout_gemini._turn import SIGNATURE, kept_parts

__all__ = ["contents", "instruction"]

_NOT_SIGNED = "skip_thought_signature_validator"
"""The replacement for the signature of a call that another model made.

Gemini 3 refuses a call without any. Source: the questions on Google's page on thought
signatures, as gemini-cli and strands-agents (pull request 1298) follow it, read
2026-11-22.
"""


def instruction(request: ChatRequest) -> dict[str, object] | None:
    """Return the system's messages, wherever they are; None without any.

    Raises:
        UnsupportedError: One has more than text, or a field that the protocol does not
            have.
    """
    parts: list[object] = []
    for index, message in enumerate(request.messages):
        if message.role == "system":
            where = f"messages[{index}]"
            refuse(message.extra, where)
            _check_text(message.content)
            parts += _system_parts(message, where)
    return {"parts": parts} if parts else None


def _system_parts(message: Message, where: str) -> list[dict[str, object]]:
    content = message.content
    if isinstance(content, str) or not any(part.extra for part in content):
        return [{"text": message.text}]
    return [*_parts(content, where)]


def contents(request: ChatRequest) -> list[dict[str, object]]:
    """Return the turns.

    Raises:
        UnsupportedError: The protocol cannot express a part of them.
    """
    turns: list[dict[str, object]] = []
    parts: list[object] = []
    names: dict[str, str] = {}
    before = ""
    # By the id of a call, the turn that it is in; and by that turn, the results.
    asked: dict[str, dict[str, object]] = {}
    results: dict[int, list[object]] = {}
    for index, message in enumerate(request.messages):
        if message.name is not None and message.role != "tool":
            raise UnsupportedError(
                "Gemini does not support speaker names; leave a message's name out"
            )
        if message.role == "system":
            continue
        where = f"messages[{index}]"
        refuse(message.extra, where)
        call = asked.get(message.tool_call_id or "")
        if call is not None:
            found = _results_after(call, turns, results)
            found.append(_result(message, names, request.model, where))
            if turns[-1]["parts"] is found:
                before = ""
            continue
        if message.role != before:
            parts = []
            role = "model" if message.role == "assistant" else "user"
            turns.append({"role": role, "parts": parts})
            before = message.role
        names.update((call.id, call.name) for call in message.tool_calls)
        asked.update((call.id, turns[-1]) for call in message.tool_calls)
        if message.role == "tool":
            parts.append(_result(message, names, request.model, where))
        else:
            parts += kept_parts(message) or _said(message, request.model, where)
    return turns


def _results_after(
    call: dict[str, object],
    turns: list[dict[str, object]],
    results: dict[int, list[object]],
) -> list[object]:
    """Return the results of a turn's calls, which stand directly after it.

    Args:
        call: The turn.
        turns: All turns; that of the results is added.
        results: The results so far, by the identity of their calls' turn.
    """
    found = results.setdefault(id(call), [])
    if not found:
        place = next(place for place, turn in enumerate(turns) if turn is call)
        turns.insert(place + 1, {"role": "user", "parts": found})
    return found


def _said(message: Message, model: str, where: str) -> list[object]:
    """Return the parts of a message of the user or the model."""
    content = message.content
    parts: list[object] = []
    if not isinstance(content, str):
        parts += _parts(content, where)
    elif content or not message.tool_calls:
        parts.append({"text": content})
    return [*parts, *_calls(message.tool_calls, model, where)]


def _parts(content: tuple[Part, ...], where: str) -> Iterator[dict[str, object]]:
    for index, part in enumerate(content):
        yield part_of(part, f"{where}.content[{index}]")


def _calls(calls: tuple[ToolCall, ...], model: str, where: str) -> Iterator[object]:
    """Yield the parts of calls whose own parts were not kept."""
    missing = {} if is_before_3(model) else {SIGNATURE: _NOT_SIGNED}
    for index, call in enumerate(calls):
        if call.kind != "function":
            raise UnsupportedError(
                f"Gemini does not have calls of the kind {call.kind!r}, as the call "
                f"{call.id!r} is; leave out the call and its result"
            )
        known = {} if is_made(call.id) else {"id": call.id}
        function = {**known, "name": call.name, "args": _arguments(call)}
        signature = _signature(call, f"{where}.tool_calls[{index}]") or missing
        yield {"functionCall": function, **signature}
        missing = {}  # Of calls made at once, the first is signed.


def _signature(call: ToolCall, where: str) -> dict[str, str]:
    """Return the signature that a call has beside its state; empty without one.

    Gemini's OpenAI face gives it as `extra_content.google.thought_signature` (Google's
    page on thought signatures, read 2026-11-30).
    """
    extra = dict(call.extra or {})
    given = extra.pop(SIGNATURE, None)
    if given is None:
        given = _of_openai(extra)
    refuse(extra, where)
    return {SIGNATURE: str(given)} if given else {}


def _of_openai(extra: dict[str, object]) -> object:
    """Remove the signature from a call's fields, if it is the only field."""
    given: object = extra.get("extra_content")
    for name in ("google", "thought_signature"):
        fields = cast(
            "Mapping[str, object]", given if isinstance(given, Mapping) else {}
        )
        given = fields.get(name) if len(fields) == 1 else None
    if given is not None:
        del extra["extra_content"]
    return given


def _arguments(call: ToolCall) -> dict[str, object]:
    try:
        arguments: object = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise UnsupportedError(
            f"the arguments of the call {call.id!r} to {call.name!r} are not a JSON "
            "object, which Gemini needs; correct them, or leave out the call and its "
            "result"
        )
    return cast("dict[str, object]", arguments)


def _result(
    message: Message, names: dict[str, str], model: str, where: str
) -> dict[str, object]:
    """Return the part that answers a call."""
    call_id = message.tool_call_id or ""
    name = names.get(call_id) or message.name
    if name is None:
        raise UnsupportedError(
            f"Gemini needs the name of the function that {call_id!r} called; put the "
            "call into the conversation, or set the message's name"
        )
    result: dict[str, object] = {} if is_made(call_id) else {"id": call_id}
    result |= {"name": name, "response": {"output": message.text}}
    if not isinstance(message.content, str):
        if is_before_3(model):
            _check_text(message.content)
        others = _others(message.content, where)
        if others:
            result["parts"] = others
    return {"functionResponse": result}


def _others(content: tuple[Part, ...], where: str) -> list[object]:
    """Return the parts of a result that are not text."""
    others: list[object] = []
    for index, part in enumerate(content):
        place = f"{where}.content[{index}]"
        if isinstance(part, TextPart):
            refuse(part.extra, place)
        else:
            others.append(part_of(part, place))
    return others


def _check_text(content: str | tuple[Part, ...]) -> None:
    if not isinstance(content, str) and not all(
        isinstance(part, TextPart) for part in content
    ):
        raise UnsupportedError(
            "Gemini takes only text in a system message, and in a tool's before "
            "Gemini 3"
        )
