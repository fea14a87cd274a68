"""What a delta or a message has beside plain text and calls. No I/O.

It is read at any address, since servers and gateways pass on what other services send.
The module is imported with the first such part.

Source: the services' pages and SDKs, and answers recorded in the repositories of
pydantic-ai and vercel/ai; the modules for each kind of part name theirs. Reasoning as
`reasoning_content`: DeepSeek, Moonshot, Z.ai, Qwen, xAI, SGLang; as `reasoning`: Groq,
OpenRouter, Cerebras, Together, Ollama, and vLLM since 0.16, which reads it under that
name alone (issue 38488). Read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

from turnout.decoding import OddEventError
from turnout.types import Citation, Event, MediaDelta, ReasoningDelta
from turnout_openai._blocks import Blocks
from turnout_openai._citations import citation_of, citations_in
from turnout_openai._forms import is_list, listed, object_in, text_of
from turnout_openai._media import Media, address_of
from turnout_openai._said import Said

__all__ = ["Parts"]

_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
"""Where reasoning stands. If a service sends several, they are the same."""

_DETAILS = ("reasoning_details", "thinking_blocks")
"""Where it stands again, with signatures that the service wants to see again."""

_THOUGHTS = frozenset({"thinking", "reasoning", "redacted_thinking"})
_IMAGES = frozenset({"image", "image_url", "output_image"})
_SOUNDS = frozenset({"audio", "output_audio"})
"""Types of blocks of content."""

_ABOUT = frozenset({"content_filter_results", "metadata", "provider_specific_fields"})
"""Fields that say something about an answer, and are not a part of it."""


class Parts:
    """Reads the parts of one answer, and keeps what is given at its end.

    Args:
        said: The text that came before the present events.
        audio_type: The media type of the sound that was asked for.
    """

    def __init__(self, said: Said, audio_type: str | None) -> None:
        self._said = said
        self._media = Media(audio_type)
        self._reasoning: dict[str, list[object]] = {}
        self._details: dict[str, Blocks] = {}
        # The blocks of content that are reasoning.
        self._thoughts = Blocks()
        self._kept: dict[str, Any] = {}
        self._cited: set[object] = set()
        self._logprobs: dict[str, list[object]] = {}
        self._others: dict[str, list[object]] = {}
        # The names of those that came as lists, and of those that are content.
        self._lists: set[str] = set()
        self._content: dict[str, None] = {}
        self._items: list[Mapping[str, object]] = []
        self.refused = False
        """Whether a block of content is a refusal."""

    def read(self, fields: dict[str, Any], events: list[Event]) -> None:
        """Read the fields of a delta that are not empty."""
        text = self._reasoning_in(fields)
        if text:
            events.append(ReasoningDelta(text=text))
        for name, value in fields.items():
            read = self._READERS.get(name)
            if read is not None:
                read(self, value, events)
            elif name in _DETAILS or (name in _REASONING and text_of(value)):
                continue
            else:
                self.keep(name, value, is_content=name not in _ABOUT)

    def _reasoning_in(self, fields: dict[str, Any]) -> str:
        text = ""
        for name in _REASONING:
            text = text or text_of(fields.get(name))
            if text:
                self._reasoning.setdefault(name, []).append(fields[name])
                break
        for name in _DETAILS:
            if name in fields:
                blocks = self._details.setdefault(name, Blocks())
                words = blocks.add(listed(fields[name]))
                text = text or ("" if self._reasoning else words)
        return text

    def read_content(self, content: object, events: list[Event]) -> None:
        """Read content that is a list of blocks, or one block.

        Raises:
            OddEventError: It is neither.
        """
        if not isinstance(content, dict | list):
            raise OddEventError(f"has a {type(content).__name__} for content")
        blocks = listed(cast("object", content))
        self._thoughts.add(b for b in blocks if object_in(b).get("type") in _THOUGHTS)
        for block in blocks:
            fields = object_in(block)
            if fields:
                self._read_block(fields, events)
            elif block:
                events.append(text_of(block))

    def _read_block(self, block: dict[str, Any], events: list[Event]) -> None:
        kind = str(block.get("type"))
        # The words of a block of an unknown type may be a tool's.
        text = text_of(block.get("text") if "type" in block else block)
        if kind in _THOUGHTS:
            text = text_of(block)
            events += [ReasoningDelta(text=text)] if text else []
        elif kind in _IMAGES:
            self._read_images(block, events)
        elif kind in _SOUNDS:
            self._read_audio(block.get("audio", block), events)
        elif kind.endswith(("citation", "reference")):
            self._cite(citations_in(block), events)
        elif kind == "refusal":
            self.refused = True
            events.append(text_of(block.get("refusal")) or text)
        elif text:
            offset = self._said.characters
            offset += sum(len(event) for event in events if isinstance(event, str))
            events.append(text)
            self._read_annotations(block.get("annotations"), events, offset)
        elif kind != "text":
            self._items.append(block)

    def _read_annotations(
        self, value: object, events: list[Event], offset: int = 0
    ) -> None:
        others: list[object] = []
        for annotation in listed(value):
            found = citation_of(annotation, offset)
            if found is None:
                others.append(annotation)
            else:
                self._cite([found], events)
        if others:
            self.keep("annotations", others)
        # OpenRouter sends what it parsed of a file, and parses it again unless it sees
        # that again. Source: its page on PDF inputs, read 2026-11-30.
        files = [other for other in others if "file" in object_in(other)]
        if files:
            self._kept["annotations"] = files

    def _read_images(self, value: object, events: list[Event]) -> None:
        for image in listed(value):
            url = address_of(image)
            if url:
                self._add_media([self._media.image(url)], events)
            else:
                self.keep("images", [image], is_content=True)

    def _read_audio(self, value: object, events: list[Event]) -> None:
        self._add_media([self._media.audio(value)], events)

    def _add_media(
        self, found: Iterable[MediaDelta | None], events: list[Event]
    ) -> None:
        events += [media for media in found if media is not None]

    def _read_extra_content(self, value: object, events: list[Event]) -> None:
        """Keep a signature, without the flag that says that a delta is a thought."""
        del events
        for name, fields in object_in(value).items():
            more = {n: v for n, v in object_in(fields).items() if n != "thought"}
            if more:
                kept = self._kept.setdefault("extra_content", {})
                kept.setdefault(name, {}).update(more)

    def _read_opaque(self, value: object, events: list[Event]) -> None:
        """Keep the encrypted reasoning of GitHub Copilot's service.

        Source: anomalyco/opencode's Copilot provider, read 2026-11-30.
        """
        del events
        self._kept["reasoning_opaque"] = value

    def read_logprobs(self, value: object) -> None:
        """Read the log probabilities of some tokens."""
        for name, values in (object_in(value) or {"content": value}).items():
            if values:
                self._logprobs.setdefault(name, []).extend(listed(values))

    def keep(self, name: str, value: object, *, is_content: bool = False) -> None:
        """Keep a field that has no meaning here; the same value again counts once.

        Args:
            name: Its name.
            value: As it was sent.
            is_content: Whether an answer of it alone is not empty, if it is an object
                or a list.
        """
        values = listed(value)
        kept = self._others.setdefault(name, [])
        if kept[-len(values) :] != values:
            kept += values
        if is_list(value):
            self._lists.add(name)
        if is_content and isinstance(value, dict | list):
            self._content[name] = None

    def cite(self, sources: object, events: list[Event]) -> None:
        """Add sources that have no place in the text, unless they have one already."""
        found = map(citation_of, listed(sources))
        self._cite((c for c in found if c and c.url not in self._cited), events)

    def _cite(self, citations: Iterable[Citation], events: list[Event]) -> None:
        """Add citations; some services send all of them with each chunk."""
        for citation in citations:
            key = (citation.url, citation.source, citation.start, citation.end)
            if key not in self._cited:
                self._cited |= {key, citation.url or key}
                events.append(citation)

    def unseen(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a whole message that did not come in deltas."""
        seen = set(self._others)
        if self._reasoning or self._details:
            seen.update(_REASONING, _DETAILS)
        if self._media.state:
            seen.add("audio")
        return {name: value for name, value in message.items() if name not in seen}

    def complete(self, events: list[Event]) -> None:
        """Add what is left of a sound."""
        self._add_media([self._media.rest()], events)

    @property
    def details(self) -> dict[str, object]:
        """What has no meaning here, in the service's own words."""
        details: dict[str, object] = {}
        for name, values in self._others.items():
            several = name in self._lists or len(values) > 1
            details[name] = values if several else values[0]
        if self._logprobs:
            details["logprobs"] = self._logprobs
        return details

    @property
    def items(self) -> list[Mapping[str, object]]:
        """What the answer consists of beside text, such as tools that were run."""
        details = self.details
        return [*self._items, *({name: details[name]} for name in self._content)]

    def state(self, *, reads_reasoning: bool) -> dict[str, object]:
        """Return the fields of the message that the service wants to see again.

        Args:
            reads_reasoning: See `Vendor.reads_reasoning`.
        """
        fields: dict[str, object] = {}
        for name, blocks in self._details.items():
            fields[name] = blocks.whole()
        if "reasoning_content" in self._reasoning:
            fields["reasoning_content"] = _joined(self._reasoning["reasoning_content"])
        if reads_reasoning and "reasoning" in self._reasoning and not fields:
            fields["reasoning"] = _joined(self._reasoning["reasoning"])
        if self._thoughts:
            fields["content"] = self._thoughts.whole()
        if self._media.state:
            fields["audio"] = self._media.state
        return {**fields, **self._kept}

    _READERS: ClassVar[dict[str, Callable[[Parts, object, list[Event]], None]]] = {
        "annotations": _read_annotations,
        "audio": _read_audio,
        "extra_content": _read_extra_content,
        "images": _read_images,
        "reasoning_opaque": _read_opaque,
    }


def _joined(values: list[object]) -> object:
    return values[0] if len(values) == 1 else "".join(map(text_of, values))
