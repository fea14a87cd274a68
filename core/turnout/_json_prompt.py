"""Request JSON by a message, if a target does not support JSON schemas.

The text is added to the last user message, as some services refuse a system message or
two messages of one role in a row.
"""

from __future__ import annotations

from dataclasses import replace

from turnout.types import ChatRequest, Message, Part, TextPart

__all__ = ["prompted"]

_INSTRUCTION = (
    "Answer with JSON alone: no other text, and no Markdown. It has to be valid by "
    "this JSON schema:\n{schema}"
)


def prompted(request: ChatRequest) -> ChatRequest:
    """Return a request whose message asks for the JSON of its schema.

    A request without a schema is returned unchanged.
    """
    form = request.answer_form
    if form is None or request.response_format is None:
        return request
    import json  # Here, as the import takes time.

    schema = json.dumps(form.schema, ensure_ascii=False)
    return replace(
        request,
        messages=_with(request.messages, _INSTRUCTION.replace("{schema}", schema)),
        response_format=None,
        answer_form=replace(form, prompted=True),
    )


def _with(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """Return messages with a text added to the last user message."""
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
