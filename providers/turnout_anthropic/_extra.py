"""Additional fields that a user sets on the blocks of a request. No I/O.

Fields of a part, a call or a tool are sent as they are. Fields of another protocol are
refused, since the service would refuse them too. A message has no fields of its own in
the protocol, so only fields that belong to a block are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from turnout.errors import UnsupportedError
from turnout.types import Message, merged
from turnout_anthropic._blocks import REASONING

__all__ = ["marked", "refused", "thinking_of", "with_extra"]

_Block: TypeAlias = dict[str, Any]

_OTHERS = frozenset(
    {
        "audio_url",
        "extra_content",
        "file",
        "image_url",
        "input_audio",
        "video_url",
    }
)
"""Fields of parts and calls in chat completions."""

_RESULT = frozenset({"cache_control", "is_error", "toolset_name"})
"""Fields that a tool's message has for its block.

Source: `ToolResultBlockParam` of Anthropic's SDK 2.14.0, read 2026-11-30.
"""

_ANSWER = frozenset({"cache_control", "reasoning_content", "thinking_blocks"})


def refused(where: str, name: str) -> UnsupportedError:
    """Return the error for a field that the protocol does not have."""
    return UnsupportedError(
        f"{where} has the field {name!r}, which Anthropic's Messages do not have; "
        "leave it out"
    )


def with_extra(block: _Block, extra: Mapping[str, object], where: str) -> _Block:
    """Return a block with additional fields.

    Args:
        block: The block.
        extra: The fields; those under `function` are the block's too.
        where: The block's place in the request, for errors.

    Raises:
        UnsupportedError: A field belongs to another protocol.
    """
    inner = extra.get("function")
    fields = {k: v for k, v in extra.items() if k != "function"}
    if isinstance(inner, Mapping):
        fields |= cast("Mapping[str, object]", inner)
    for name in fields:
        if name in _OTHERS:
            raise refused(where, name)
    return merged(block, fields)


def marked(blocks: list[_Block], message: Message, where: str) -> list[_Block]:
    """Return a message's blocks with the message's additional fields on them.

    `cache_control` is set on the last block that can have it: the cache ends there.

    Raises:
        UnsupportedError: The protocol does not have a field.
    """
    extra = message.extra or {}
    if message.role == "tool":
        known = _RESULT
    else:
        known = _ANSWER if message.role == "assistant" else _ANSWER & _RESULT
    for name in extra:
        if name not in known:
            raise refused(where, name)
    if "reasoning_content" in extra and "thinking_blocks" not in extra:
        # LiteLLM's histories have both, and the blocks have the text too.
        raise refused(where, "reasoning_content")
    fields = {name: extra[name] for name in extra.keys() & _RESULT}
    if not fields:
        return blocks
    for index in reversed(range(len(blocks))):
        if blocks[index]["type"] not in REASONING:
            changed = merged(blocks[index], fields)
            return [*blocks[:index], changed, *blocks[index + 1 :]]
    raise UnsupportedError(
        f"{where} has cache_control and no content to set it on; leave it out"
    )


def thinking_of(message: Message, where: str) -> list[_Block]:
    """Return the thinking of a message from LiteLLM's histories.

    Source: LiteLLM's page "Reasoning content", on `thinking_blocks`, read 2026-11-30.

    Raises:
        UnsupportedError: It is not in the form of Anthropic's blocks.
    """
    given = (message.extra or {}).get("thinking_blocks")
    if given is None:
        return []
    blocks = cast("list[object]", given) if isinstance(given, list) else [given]
    if not all(map(_is_thinking, blocks)):
        raise UnsupportedError(
            f"{where}.thinking_blocks has a block that is not Anthropic's thinking; "
            "leave the field out"
        )
    return [dict(block) for block in cast("list[_Block]", blocks)]


def _is_thinking(block: object) -> bool:
    if not isinstance(block, Mapping):
        return False
    return cast("Mapping[str, object]", block).get("type") in REASONING
