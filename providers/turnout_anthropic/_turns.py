"""A conversation as the turns of Anthropic's Messages protocol. No I/O.

The protocol has two roles, which alternate. Results of tools are the first blocks of
the user's turn after their calls. The system's text is not among the messages. So
consecutive messages of the same role become one turn, and all system messages become
one text.

Source: Anthropic's Messages reference and its page "Handle tool calls"; wire.md 2.4,
read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from turnout.errors import UnsupportedError
from turnout.types import ChatRequest, Message, TextPart, ToolCall
from turnout_anthropic._blocks import PLAIN, PROTOCOL, REASONING, tool_input

__all__ = ["container_of", "system_of", "turns_of", "waits"]

_Block: TypeAlias = dict[str, Any]
_Turn: TypeAlias = tuple[str, list[_Block]]

_NO_ID = re.compile(r"[^a-zA-Z0-9_-]")
"""What the id of a call may not hold: it has to match `^[a-zA-Z0-9_-]+$`."""

_OWN_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
"""Blocks that call tools which the service runs."""

_OF_MODELS = PLAIN.keys() | REASONING
"""Blocks that models write without any tool of the service."""


def system_of(request: ChatRequest) -> str | list[_Block] | None:
    """Return the system's text; as blocks if any part has additional fields.

    Raises:
        UnsupportedError: A message has more than text.
    """
    blocks: list[_Block] = []
    is_text = True
    for index, message in enumerate(request.messages):
        if message.role != "system":
            continue
        where = f"messages[{index}]"
        _check_text_alone(message)
        is_text = is_text and not _has_extra(message)
        blocks += _marked(_blocks(message, where), message, where)
    if not is_text:
        return blocks or None
    return request.system_text if request.system_text.strip() else None


def container_of(request: ChatRequest) -> str | None:
    """Return the container in which code waits for the results of its calls.

    It is also named again when a paused answer is sent back. Source: Anthropic's page
    "Programmatic tool calling", read 2026-11-30.
    """
    for message in reversed(request.messages):
        if message.role != "tool":
            value = _own_state(message).get("container")
            return value if isinstance(value, str) else None
    return None


def waits(turns: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the last turn is a paused answer that the service continues.

    The service pauses an answer while tools of its own run, and continues when the
    answer is sent back. Source: Anthropic's page "Handling stop reasons", on
    `pause_turn`, read 2026-11-30.
    """
    last = [block["type"] for turn in turns[-1:] for block in turn["content"]]
    return any(kind not in _OF_MODELS for kind in last)


def turns_of(request: ChatRequest) -> list[dict[str, object]]:
    """Return the turns of a conversation.

    Raises:
        UnsupportedError: The protocol cannot express a message.
    """
    turns: list[_Turn] = []
    ids: dict[str, str] = {}
    # By the id of a call, the number of its turn.
    asked: dict[str, int] = {}
    toolsets: dict[str, str] = {}
    for index, message in enumerate(request.messages):
        where = f"messages[{index}]"
        _check_unnamed(message)
        if message.role == "tool":
            result = _result(message, where, ids)
            if message.tool_call_id in toolsets:
                result.setdefault("toolset_name", toolsets[message.tool_call_id])
            _add_result(turns, asked, message, result)
        elif message.role == "user":
            _add(turns, "user", _marked(_blocks(message, where), message, where))
        elif message.role == "assistant":
            _add(turns, "assistant", _answer(message, where, ids))
            for call in message.tool_calls:
                asked[call.id] = len(turns) - 1
                if call.kind != "function":  # The result names the set of tools too.
                    toolsets[call.id] = call.kind
    turns = _paired(turns)
    if turns and turns[-1][0] == "assistant":
        _trim(turns[-1][1])
    return [{"role": role, "content": blocks} for role, blocks in turns]


def _add(turns: list[_Turn], role: str, blocks: list[_Block]) -> None:
    if turns and turns[-1][0] == role:
        turns[-1][1].extend(blocks)
    elif blocks or role == "user":  # The service refuses an answer without content.
        turns.append((role, blocks))


def _add_result(
    turns: list[_Turn], asked: Mapping[str, int], message: Message, result: _Block
) -> None:
    """Add a tool's result to the turn after its call, before all but results."""
    number = asked.get(message.tool_call_id or "", len(turns) - 2) + 1
    if not 0 <= number < len(turns) or turns[number][0] != "user":
        _add(turns, "user", [result])
        return
    blocks = turns[number][1]
    results = [block["type"] == "tool_result" for block in blocks]
    blocks.insert((*results, False).index(False), result)


def _paired(turns: list[_Turn]) -> list[_Turn]:
    """Leave out calls of the service's own tools that were never answered.

    The service refuses them, unless nothing but results of the caller's tools follows:
    then its own tools may still run. Source: pydantic-ai,
    `tests/models/anthropic/test_unpaired_native_tool_calls.py` at 4fda389, measured
    there on claude-sonnet-4-5; read 2026-11-30.
    """
    every = [block for _, blocks in turns for block in blocks]
    calls = {str(block.get("id")) for block in every if block["type"] in _OWN_CALLS}
    lost = calls - {str(block.get("tool_use_id")) for block in every}
    if not lost:
        return turns
    last = len(turns) - 1
    while last > 0 and all(b["type"] == "tool_result" for b in turns[last][1]):
        last -= 1
    kept: list[_Turn] = []
    for number, (role, blocks) in enumerate(turns):
        _add(kept, role, _without(blocks, lost) if number < last else blocks)
    return kept


def _without(blocks: list[_Block], lost: set[str]) -> list[_Block]:
    """Return a turn's blocks without some calls of the service's own tools."""
    kept = [
        block
        for block in blocks
        if block["type"] not in _OWN_CALLS or str(block.get("id")) not in lost
    ]
    if len(kept) < len(blocks) and all(block["type"] in REASONING for block in kept):
        return []  # The service refuses reasoning at the end of an answer.
    return kept


def _trim(blocks: list[_Block]) -> None:
    """Strip white space at the end of a prefill, which the service refuses."""
    last = blocks[-1]
    if last["type"] == "text":
        blocks[-1] = {**last, "text": last["text"].rstrip()}


def _result(message: Message, where: str, ids: Mapping[str, str]) -> _Block:
    is_text = isinstance(message.content, str)
    content = message.content if is_text else _blocks(message, where)
    call_id = message.tool_call_id or ""
    result: _Block = {"type": "tool_result", "tool_use_id": ids.get(call_id, call_id)}
    if content:
        result["content"] = content
    return _marked([result], message, where)[0]


def _answer(message: Message, where: str, ids: dict[str, str]) -> list[_Block]:
    """Return an answer's blocks.

    Args:
        message: An assistant's message.
        where: Its place in the request, for errors.
        ids: The replacements of other services' call ids; new ones are added.
    """
    _check_text_alone(message)
    uses = [
        _use(c, f"{where}.tool_calls[{i}]") for i, c in enumerate(message.tool_calls)
    ]
    texts = _blocks(message, where)
    kept = _kept(message)
    # A user who changes an answer wants it to be sent as it is now.
    if kept and _said(kept) == _said([_text(message.text), *uses]):
        sent = [block for block in kept if not _is_blank(block)]
        return _marked(_with_fields(sent, texts, uses, where), message, where)
    for use in uses:
        # Ids of other services have any form, such as `functions.look:0`.
        name = use["id"]
        use["id"] = ids[name] = _NO_ID.sub(lambda odd: f"-{ord(odd[0]):x}-", name)
    return _marked([*_thinking(message, where), *texts, *uses], message, where)


def _use(call: ToolCall, where: str) -> _Block:
    own: Mapping[str, object] = {}
    if call.kind != "function":
        own = call.item or {}
        if own.get("type") != "tool_use":
            raise UnsupportedError(
                f"{where} is a call of the kind {call.kind!r}, which Anthropic's "
                "Messages do not have; leave out the call and its result"
            )
    given = tool_input(call.arguments)
    use = {"type": "tool_use", "id": call.id, "name": call.name, "input": given}
    return _extended({**own, **use}, call.extra, where)


def _own_state(message: Message) -> Mapping[str, object]:
    own = (message.state or {}).get(PROTOCOL)
    return cast("Mapping[str, object]", own) if isinstance(own, Mapping) else {}


def _kept(message: Message) -> list[_Block]:
    """Return the blocks that the message's state has; none if it has none."""
    content = _own_state(message).get("content")
    blocks = cast("list[object]", content) if isinstance(content, list) else []
    if not all(map(_is_block, blocks)):
        return []
    # A new list, since more may be added to it.
    return list(cast("list[_Block]", blocks))


def _is_block(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    kind = cast("_Block", value).get("type")
    has_text = kind != "text" or isinstance(cast("_Block", value).get("text"), str)
    return isinstance(kind, str) and has_text


def _said(blocks: list[_Block]) -> tuple[str, list[_Block]]:
    """Return the parts of an answer that a message has without a state."""
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    names = ("id", "name", "input")
    calls = [b for b in blocks if b["type"] == "tool_use"]
    return text, [{name: call.get(name) for name in names} for call in calls]


def _with_fields(
    kept: list[_Block], texts: list[_Block], uses: list[_Block], where: str
) -> list[_Block]:
    """Return the blocks of a state with the additional fields of a message's parts.

    Raises:
        UnsupportedError: A part of the text has additional fields, and the answer has
            other parts.
    """
    given: dict[str, Iterator[_Block]] = {}
    if any(map(_is_extended, texts)):
        parts = [block["text"] for block in kept if block["type"] == "text"]
        if parts != [block["text"] for block in texts]:
            raise UnsupportedError(
                f"{where} has additional fields on a part of its text, but the service "
                "needs its answer back in other parts; set them on the message"
            )
        given["text"] = iter(texts)
    if any(map(_is_extended, uses)):
        given["tool_use"] = iter(uses)
    return [
        {**block, **next(given[block["type"]])} if block["type"] in given else block
        for block in kept
    ]


def _is_extended(block: _Block) -> bool:
    return bool(block.keys() - PLAIN[block["type"]])


def _thinking(message: Message, where: str) -> list[_Block]:
    if not message.extra:
        return []
    from turnout_anthropic._extra import thinking_of

    return thinking_of(message, where)


def _marked(blocks: list[_Block], message: Message, where: str) -> list[_Block]:
    if not message.extra:
        return blocks
    from turnout_anthropic._extra import marked

    return marked(blocks, message, where)


def _extended(block: _Block, extra: Mapping[str, object] | None, where: str) -> _Block:
    if not extra:
        return block
    from turnout_anthropic._extra import with_extra

    return with_extra(block, extra, where)


def _has_extra(message: Message) -> bool:
    content = () if isinstance(message.content, str) else message.content
    return bool(message.extra) or any(part.extra for part in content)


def _blocks(message: Message, where: str) -> list[_Block]:
    """Return a message's content as blocks, without blank texts."""
    if isinstance(message.content, str):
        return [_text(message.content)] if message.content.strip() else []
    from turnout_anthropic._parts import block_of

    return [
        _extended(block_of(part), part.extra, f"{where}.content[{index}]")
        for index, part in enumerate(message.content)
        if part.extra or not isinstance(part, TextPart) or part.text.strip()
    ]


def _text(text: str) -> _Block:
    return {"type": "text", "text": text}


def _check_text_alone(message: Message) -> None:
    content = () if isinstance(message.content, str) else message.content
    if not all(isinstance(part, TextPart) for part in content):
        raise UnsupportedError(
            f"a message of the {message.role} has an image or a file, which Anthropic "
            "accepts only from users and tools; leave it out"
        )


def _check_unnamed(message: Message) -> None:
    if message.name is not None and message.role != "tool":
        raise UnsupportedError(
            "Anthropic does not support speaker names; leave a message's name out"
        )


def _is_blank(block: _Block) -> bool:
    """Return whether a block is refused: "must contain non-whitespace text".

    Models write such texts themselves, mostly before a call. Source: the service's
    answers of status 400, as many projects on GitHub quote them, read 2026-11-22.
    """
    return block["type"] == "text" and not block["text"].strip()
