"""The input of a request for Responses: messages as items. No I/O.

What an answer consisted of is sent back as it came, to the service that it came from:
its reasoning in encrypted form, and whatever else only that service can read. A message
that was changed, or that another service wrote, is converted to items again.

Source: OpenAI's SDK 3.57.0, src/openai/types/responses/*_param.py, and its guide for
reasoning models, read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from turnout.errors import UnsupportedError
from turnout.types import Message, TextPart, ToolCall, merged
from turnout_openai._responses_calls import FUNCTION, INPUTS, id_of, is_asked
from turnout_openai._responses_content import flat
from turnout_openai._responses_items import STATE_NAME, reasons_of, texts_of
from turnout_openai._responses_results import content_of, result

__all__ = ["Input"]

_Item: TypeAlias = Mapping[str, Any]

_KINDS = {"function": FUNCTION, "custom": "custom_tool_call"}
"""The type of a call's item, if it is not the call's kind."""

_NO_PLACE = frozenset(
    {
        "audio",
        "citations",
        "extra_content",
        "function_call",
        "images",
        "is_error",
        "partial",
        "prefix",
        "provider_specific_fields",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "reasoning_opaque",
        "reasoning_text",
        "thinking",
        "thinking_blocks",
        "tool_name",
        "tool_plan",
    }
)
"""Fields of other protocols' messages and calls for which Responses have no place."""

_OF_PARTS = frozenset({"annotations", "refusal"})
"""Fields of chat's messages that belong to the parts of a message in Responses."""

_NULLABLE = frozenset({"code", "outputs", "result"})
"""Fields that an item must have, although their value may be null."""


class Input:
    """Makes the items of the messages of one request.

    Args:
        provider: The provider's name, for errors.
        service: Where the request is sent.
        encrypted: Whether reasoning comes in encrypted form. Without that form, OpenAI
            looks a piece of reasoning up by its id and refuses the request.
        stored: Whether the service keeps its answers, and so finds any item by its id.
    """

    def __init__(
        self, provider: str, service: str, *, encrypted: bool, stored: bool
    ) -> None:
        self._provider = provider
        self._service = service
        self._encrypted = encrypted
        self._stored = stored
        self._calls: dict[str, _Item] = {}

    def items(self, messages: Iterable[Message]) -> list[_Item]:
        """Return the items of all messages.

        Raises:
            UnsupportedError: Responses have no place for something in a message.
        """
        return [item for message in messages for item in self._items(message)]

    def _items(self, message: Message) -> Iterator[_Item]:
        self._check(message.extra, f"a message of the role {message.role}")
        if message.role == "tool":
            call = self._calls.get(message.tool_call_id or "", {})
            yield merged(result(message, call, self._provider), message.extra)
        elif message.role == "assistant":
            for item in self._kept(message) or self._made(message):
                if str(item.get("type")) in INPUTS:
                    self._calls[id_of(item)] = item
                yield item
        else:
            role = "developer" if message.developer else message.role
            fields = {"role": role, "content": content_of(message, self._provider)}
            yield merged(fields, message.extra)

    def _check(self, extra: Mapping[str, object] | None, where: str) -> None:
        lost = ", ".join(sorted(_NO_PLACE.intersection(extra or ())))
        if lost:
            raise UnsupportedError(
                f"{self._provider}'s Responses do not support {lost} in {where}; "
                'leave that out, or set protocol="chat"'
            )

    # What the service sent before.

    def _kept(self, message: Message) -> list[_Item]:
        """Return the items that an answer consisted of; none if they do not fit.

        They do not fit if the message was changed, if it is the end of an answer that
        another target had begun, or if another service wrote it.
        """
        state = None if message.state is None else message.state.get(STATE_NAME)
        if not isinstance(state, Mapping):
            return []
        kept = cast("Mapping[str, Any]", state)
        items = cast("list[_Item]", kept.get("items") or [])
        calls = sorted(id_of(item) for item in items if is_asked(item))
        texts = [text for item in items for text in texts_of(item)]
        fits = (
            kept.get("service", self._service) == self._service
            and calls == sorted(call.id for call in message.tool_calls)
            and "".join(texts) == message.text
            and all(map(self._is_readable, items))
            and not _has_more(message)
            and (bool(texts) or not message.extra)
        )
        if not fits:
            return []
        return [_again(item, message.extra) for item in items if self._says(item)]

    def _is_readable(self, item: _Item) -> bool:
        """Return whether the service can read an item that it sent."""
        return self._stored or not (self._encrypted and _is_open(item))

    def _says(self, item: _Item) -> bool:
        """Return whether an item says anything."""
        return self._stored or not _is_open(item) or bool(reasons_of(item))

    # What is made of a message.

    def _made(self, message: Message) -> Iterator[_Item]:
        extra = dict(message.extra or {})
        annotations = extra.pop("annotations", None) if message.text else None
        parts = [*self._said(message, annotations)]
        refusal = extra.pop("refusal", None)
        if refusal:
            parts.append({"type": "refusal", "refusal": refusal})
        if parts:
            # The short form is not known everywhere: llama.cpp's server refuses it.
            said = {"type": "message", "role": "assistant", "content": parts}
            yield merged(said, extra)
        elif extra:
            raise UnsupportedError(
                f"{self._provider}'s Responses do not support {', '.join(extra)} in "
                "a message without text; leave that out"
            )
        for call in message.tool_calls:
            self._check(call.extra, "a call")
            yield _call(call, self._provider)

    def _said(self, message: Message, annotations: object) -> Iterator[dict[str, Any]]:
        """Yield what an assistant said, which is text alone."""
        content = () if isinstance(message.content, str) else message.content
        parts = [part for part in content if isinstance(part, TextPart)]
        if len(parts) < len(content):
            raise UnsupportedError(
                "an assistant's message has more than text, which Responses do not "
                "accept; leave the other parts out"
            )
        if not any(part.extra for part in parts):
            parts = [TextPart(text=message.text)] if message.text else []
        cited = list(map(flat, cast("list[_Item]", annotations or [])))
        for part in parts:
            fields: dict[str, Any] = {"type": "output_text", "text": part.text}
            if cited and part is parts[-1]:
                fields["annotations"] = cited
            yield merged(fields, part.extra)


def _has_more(message: Message) -> bool:
    """Return whether a message has fields that no kept item has a place for."""
    parts = () if isinstance(message.content, str) else message.content
    inner = any(one.extra for one in (*message.tool_calls, *parts))
    return inner or not _OF_PARTS.isdisjoint(message.extra or ())


def _is_open(item: _Item) -> bool:
    """Return whether an item is reasoning that is not encrypted."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def _again(item: _Item, extra: Mapping[str, object] | None) -> dict[str, Any]:
    """Return an item as the service takes it again.

    Some fields are for reading alone. OpenAI refuses `status` in reasoning: "Unknown
    parameter: 'input[1].status'" (BerriAI/litellm's issue 13420, 1jehuang/jcode's issue
    1028). Others may be absent, but not null.
    """
    kind = item.get("type")
    sent = {
        name: value
        for name, value in item.items()
        if (value is not None or name in _NULLABLE)
        and name != "created_by"
        and not (name == "status" and kind == "reasoning")
    }
    return merged(sent, extra) if kind == "message" else sent


def _call(call: ToolCall, provider: str) -> dict[str, Any]:
    """Return the item of a call.

    Raises:
        UnsupportedError: Responses have no calls of this kind.
    """
    kind = _KINDS.get(call.kind, call.kind)
    if kind not in INPUTS:
        raise UnsupportedError(
            f"the call {call.id!r} is of the kind {call.kind!r}, which {provider}'s "
            "Responses do not support; leave out the call and its result"
        )
    name = "id" if kind == "mcp_approval_request" else "call_id"
    named = {"type": kind, name: call.id}
    if call.item is not None and call.item.get("type") == kind:
        return {**_again(call.item, None), **named}
    if kind in {FUNCTION, "mcp_approval_request", "custom_tool_call"}:
        fields = {**named, "name": call.name, INPUTS[kind][0]: call.arguments}
        # Chat completions nest the fields of a function.
        more = flat({**(call.extra or {}), "type": "function"})
        return merged(fields, {**more, "type": kind})
    execution = {"execution": "client"} if kind == "tool_search_call" else {}
    value = {INPUTS[kind][0]: _value(call.arguments), "status": "completed"}
    return {**named, **execution, **value}


def _value(arguments: str) -> object:
    """Return the value of a call's input, which is JSON."""
    try:
        return cast("object", json.loads(arguments))
    except ValueError:
        return arguments
