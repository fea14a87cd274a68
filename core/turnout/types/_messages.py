"""Messages, in turnout's own form; `_openai.py` reads and writes OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, Never, TypeAlias, cast

from turnout._frozen import frozen
from turnout.errors import ArgumentError

__all__ = [
    "AudioPart",
    "FilePart",
    "ImagePart",
    "Message",
    "NativeTool",
    "Part",
    "Role",
    "TextPart",
    "Tool",
    "ToolCall",
    "VideoPart",
]

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")

_LONGEST_ROLE = 20
"""A longer text given as a role may be a prompt, so it is not shown."""


def wrong_role(role: object) -> str:
    """Return what is wrong with a role, without showing what may be a prompt."""
    shown = f"a {type(role).__name__}"
    if role is None or (isinstance(role, str) and len(role) < _LONGEST_ROLE):
        shown = repr(role)
    return f"has the role {shown}; a role is one of {', '.join(ROLES)}"


def wrong_calls(role: Role, calls: Sequence[ToolCall], call_id: str | None) -> str:
    """Return what is wrong with a message's calls; empty if nothing is."""
    if calls and role != "assistant":
        return f"has tool_calls and the role {role!r}; they need the role 'assistant'"
    if call_id and role != "tool":
        return f"has a tool_call_id and the role {role!r}; it needs the role 'tool'"
    if role == "tool" and not call_id:
        return (
            "has the role 'tool' and no tool_call_id; set it to the id of the call "
            "that the message answers"
        )
    return ""


# The fields named `extra` are None by default and not an empty mapping, which is
# faster: every request makes messages.


@frozen
class TextPart:
    """Text among other parts."""

    text: str
    extra: Mapping[str, object] | None = None
    """More fields of the part, in the service's own form, such as `cache_control`."""


@frozen
class ImagePart:
    """An image, as a URL or as bytes; turnout does not fetch the URL."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    """Of `data`, as in `image/png`."""
    detail: str | None = None
    """The level of detail for the model, in the provider's own terms."""
    extra: Mapping[str, object] | None = None
    """See `TextPart.extra`."""

    def __post_init__(self) -> None:
        _check_source("an image", url=self.url, data=self.data)
        _check_media_type("an image", self.data, self.media_type)


@frozen
class AudioPart:
    """A sound, as a URL or as bytes; turnout does not fetch the URL."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    """Of `data`, as in `audio/wav`."""
    extra: Mapping[str, object] | None = None
    """See `TextPart.extra`."""

    def __post_init__(self) -> None:
        _check_source("a sound", url=self.url, data=self.data)
        _check_media_type("a sound", self.data, self.media_type)


@frozen
class VideoPart:
    """A video, as a URL or as bytes; turnout does not fetch the URL."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    """Of `data`, as in `video/mp4`."""
    extra: Mapping[str, object] | None = None
    """See `TextPart.extra`."""

    def __post_init__(self) -> None:
        _check_source("a video", url=self.url, data=self.data)
        _check_media_type("a video", self.data, self.media_type)


@frozen
class FilePart:
    """A file, as bytes, as a URL or by the provider's id of it."""

    data: bytes | None = None
    media_type: str | None = None
    """Of `data`, as in `application/pdf`."""
    filename: str | None = None
    file_id: str | None = None
    url: str | None = None
    extra: Mapping[str, object] | None = None
    """See `TextPart.extra`."""

    def __post_init__(self) -> None:
        _check_source("a file", file_id=self.file_id, url=self.url, data=self.data)
        _check_media_type("a file", self.data, self.media_type)


def _check_source(what: str, **sources: object) -> None:
    if sum(source is not None for source in sources.values()) != 1:
        raise ArgumentError(f"{what} needs exactly one of {', '.join(sources)}")


def _check_media_type(what: str, data: bytes | None, media_type: str | None) -> None:
    if data is not None and media_type is None:
        raise ArgumentError(f"{what} given as data needs its media_type")


Part: TypeAlias = TextPart | ImagePart | AudioPart | VideoPart | FilePart


@frozen
class Tool:
    """A function that the model may call."""

    name: str
    description: str = ""
    parameters: dict[str, object] | None = None
    """The JSON schema of its arguments; None if it takes none."""
    strict: bool | None = None
    """Whether the service enforces the schema; None means the provider's default."""
    extra: Mapping[str, object] | None = None
    """More fields of the tool, in the service's own form, such as `cache_control`."""


@frozen
class NativeTool:
    """A tool of the service's own, such as web search, in the service's own form.

    It is sent as it is: `{"type": "web_search"}` to OpenAI's Responses,
    `{"googleSearch": {}}` to Gemini.
    """

    definition: Mapping[str, object]


@frozen
class ToolCall:
    """A call that the model requests; a tool message has to answer it."""

    id: str
    name: str
    arguments: str
    """The JSON text that the model wrote, which may be invalid: see
    `has_valid_arguments`. If the call is not of a function, its input as it is."""
    kind: str = "function"
    """The kind of the call: `function`, or the service's own term, such as `custom`,
    `shell_call`, `apply_patch_call`, `computer_call`, `mcp_approval_request`."""
    item: Mapping[str, object] | None = field(default=None, repr=False)
    """The call in the service's own form, if it is not of a function."""
    extra: Mapping[str, object] | None = None
    """More fields of the call, in the service's own form, such as `extra_content`."""

    @property
    def has_valid_arguments(self) -> bool:
        """Whether `arguments` is a JSON object, or empty, which means no arguments.

        Always true if the call is not of a function, because its input has any form.
        """
        if self.kind != "function" or not self.arguments:
            return True
        from json import loads

        try:
            read = loads(self.arguments, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return False
        return isinstance(read, dict)


def _refuse_constant(name: str) -> Never:
    raise ValueError(name)  # NaN and Infinity are not JSON.


@frozen
class Message:
    """One message of a conversation.

    Raises:
        ArgumentError: The role is unknown, the content is neither text nor parts, or
            the calls, the id of a call or `developer` do not belong to the role.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """The calls that a message with the role `assistant` requests."""
    tool_call_id: str | None = None
    """The id of the call that a message with the role `tool` answers; it must have one.
    """
    name: str | None = None
    developer: bool = False
    """Whether a system message is sent with the role `developer` to a service that has
    that role. Other services get the role `system`."""
    extra: Mapping[str, object] | None = None
    """More fields of the message, in the service's own form, such as `prefix`."""
    state: Mapping[str, object] | None = field(default=None, repr=False)
    """What the service that wrote this assistant message needs again with it, such as
    the signatures of its reasoning, by the name of its protocol. `Reply.to_message`
    copies it from `Reply.state`. Other protocols ignore it."""

    def __post_init__(self) -> None:
        # The most frequent mistakes in code without a type checker.
        if self.role not in ROLES:
            raise ArgumentError(f"a message {wrong_role(self.role)}")
        if not isinstance(self.content, str) and not _are_parts(self.content):
            raise ArgumentError(
                "a message's content is a str or a tuple of TextPart, ImagePart, "
                "AudioPart, VideoPart and FilePart"
            )
        if self.developer and self.role != "system":
            raise ArgumentError(
                f"a message has developer=True and the role {self.role!r}; only a "
                "system message can have it"
            )
        wrong = wrong_calls(self.role, self.tool_calls, self.tool_call_id)
        if wrong:
            raise ArgumentError(f"a message {wrong}")

    @property
    def text(self) -> str:
        """The text of the message; text parts are joined without a separator."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


def _are_parts(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(part, Part) for part in cast("tuple[object, ...]", value)
    )
