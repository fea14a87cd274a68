"""Messages, in turnout's own form; `_openai.py` reads and writes OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, TypeAlias, cast

from turnout._frozen import frozen
from turnout.errors import ArgumentError

__all__ = [
    "FilePart",
    "ImagePart",
    "Message",
    "Part",
    "Role",
    "TextPart",
    "Tool",
    "ToolCall",
]

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")

_LONGEST_ROLE = 20
"""From this many characters on, what stands for a role may be a prompt."""


def wrong_role(role: object) -> str:
    """Return what is wrong with a role, without showing what may be a prompt."""
    shown = f"a {type(role).__name__}"
    if role is None or (isinstance(role, str) and len(role) < _LONGEST_ROLE):
        shown = repr(role)
    return f"has the role {shown}; a role is one of {', '.join(ROLES)}"


def wrong_calls(role: Role, calls: Sequence[ToolCall], call_id: str | None) -> str:
    """Return what is wrong with a message's calls; empty where nothing is."""
    if calls and role != "assistant":
        return f"has tool_calls and the role {role!r}; only an assistant's has them"
    if call_id and role != "tool":
        return f"has a tool_call_id and the role {role!r}; only a tool's has one"
    if role == "tool" and not call_id:
        return "answers no call; tool_call_id is the id of the call that it answers"
    return ""


@frozen
class TextPart:
    """Text among other parts."""

    text: str


@frozen
class ImagePart:
    """An image, by its address or by its bytes; turnout itself never fetches it."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    """Of `data`, as in `image/png`."""
    detail: str | None = None
    """How closely the model is to look, in the provider's words."""

    def __post_init__(self) -> None:
        if (self.url is None) == (self.data is None):
            raise ArgumentError("an image has either a url or data, and one of them")
        if self.data is not None and self.media_type is None:
            raise ArgumentError("an image given as data needs its media_type")


@frozen
class FilePart:
    """A file, by its bytes or by the id that the provider gave it."""

    data: bytes | None = None
    media_type: str | None = None
    """Of `data`, as in `application/pdf`."""
    filename: str | None = None
    file_id: str | None = None

    def __post_init__(self) -> None:
        if (self.file_id is None) == (self.data is None):
            raise ArgumentError("a file has either data or a file_id, and one of them")
        if self.data is not None and self.media_type is None:
            raise ArgumentError("a file given as data needs its media_type")


Part: TypeAlias = TextPart | ImagePart | FilePart


@frozen
class Tool:
    """A function that the model may ask to be called."""

    name: str
    description: str = ""
    parameters: dict[str, object] | None = None
    """The JSON schema of its arguments; None where it takes none."""
    strict: bool | None = None
    """Whether the arguments are bound to the schema; None leaves it to the provider."""


@frozen
class ToolCall:
    """A call that the model asks for."""

    id: str
    name: str
    arguments: str
    """A JSON text, as the model wrote it: it may be invalid."""


@frozen
class Message:
    """One turn of a conversation.

    Raises:
        ArgumentError: The role is none, the content is neither text nor parts, or
            the calls and the id of a call do not belong to the role.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """The calls that an assistant's message asks for."""
    tool_call_id: str | None = None
    """The call that a tool's message answers, and must name."""
    name: str | None = None
    state: Mapping[str, object] | None = field(default=None, repr=False)
    """What the service that wrote an assistant's message wants to see again with it,
    such as the signatures of its reasoning, by the name of its protocol. `Reply.state`
    has it, and `Reply.to_message` takes it over; other protocols pass over it."""

    def __post_init__(self) -> None:
        # Whoever writes one without a type checker gets these wrong most often.
        if self.role not in ROLES:
            raise ArgumentError(f"a message {wrong_role(self.role)}")
        if not isinstance(self.content, str) and not _are_parts(self.content):
            raise ArgumentError(
                "a message's content is a str or a tuple of TextPart, ImagePart and "
                "FilePart"
            )
        wrong = wrong_calls(self.role, self.tool_calls, self.tool_call_id)
        if wrong:
            raise ArgumentError(f"a message {wrong}")

    @property
    def text(self) -> str:
        """The text alone; its parts are joined as they stand."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


def _are_parts(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(part, TextPart | ImagePart | FilePart)
        for part in cast("tuple[object, ...]", value)
    )
