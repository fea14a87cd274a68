"""The request that asks for JSON in words, where a target cannot be bound to a schema.

The words stand at the end of the last user message: every target has one, and some
take no system message, or no two messages of one role in a row.
"""

from __future__ import annotations

from dataclasses import replace

from turnout.types import ChatRequest, Message, Part, TextPart

__all__ = ["INSTRUCTION", "check_instruction", "prompted"]

INSTRUCTION = (
    "Answer with JSON alone: no other text, and no Markdown. It has to be valid by "
    "this JSON schema:\n{schema}"
)

_PLACE = "{schema}"


def check_instruction(instruction: str) -> None:
    """Refuse an instruction that has no place for the schema.

    Raises:
        ValueError: It has none.
    """
    if _PLACE not in instruction:
        raise ValueError(f"schema_instruction is a text with {_PLACE} in it")


def prompted(request: ChatRequest, instruction: str) -> ChatRequest:
    """Return a request that asks in words for what it would be bound to.

    Args:
        request: As it is if it is bound to nothing.
        instruction: The words; the schema is put in place of `{schema}`.
    """
    form = request.answer_form
    if form is None or request.response_format is None:
        return request
    import json  # Not with the module, for its time.

    schema = json.dumps(form.schema, ensure_ascii=False)
    return replace(
        request,
        messages=_with(request.messages, instruction.replace(_PLACE, schema)),
        response_format=None,
        answer_form=replace(form, prompted=True),
    )


def _with(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """Return messages with a text at the end of what the user said last."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "user":
            said = replace(message, content=_content(message, text))
            return (*messages[:index], said, *messages[index + 1 :])
    return (*messages, Message(role="user", content=text))


def _content(message: Message, text: str) -> str | tuple[Part, ...]:
    content = message.content
    if isinstance(content, str):
        return f"{content}\n\n{text}"
    return (*content, TextPart(text=text))
