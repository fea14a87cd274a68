"""An answer by Responses as it grows, from its events and items. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from turnout.decoding import OddEventError, as_count, as_mapping, as_text
from turnout.types import Event, MediaDelta, ReasoningDelta
from turnout_openai._responses_calls import Calls, is_asked
from turnout_openai._responses_content import (
    citation,
    images_of,
    key_of,
    parts_of,
    sound,
    text_of,
)
from turnout_openai._responses_given import Given
from turnout_openai._responses_items import (
    encrypted_in,
    logprobs_of,
    message_parts,
    reasons_of,
    texts_of,
)

__all__ = ["READERS", "Answer", "Reader"]

_Fields: TypeAlias = dict[str, Any]


class Answer:
    """The received parts of an answer, and those already emitted."""

    def __init__(self) -> None:
        self.text = Given()
        self.gap = False
        """Whether an event is missing, by the numbers."""
        self.refused = False
        self.calls = Calls()
        self.items: list[_Fields] = []
        """The items that have ended."""
        # The beginnings of items that say something and have not ended.
        self._begun: list[_Fields] = []
        self._ids: set[object] = set()
        self._places: set[object] = set()
        self._reasoning = Given()
        # Whether another paragraph of reasoning begins.
        self._parted = False
        # How often each annotation was given, and how often it was seen in items.
        self._cited: Counter[tuple[object, ...]] = Counter()
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._media = 0
        self._sound: int | None = None
        self._logprobs: list[object] = []

    # Text and reasoning.

    def begin_part(self, event: _Fields, events: list[Event]) -> None:
        """Take the beginning of a part of a message."""
        self.text.begin()

    def end_text(self, event: _Fields, events: list[Event]) -> None:
        """Take the whole text of a part."""
        self._logprobs += logprobs_of(event)
        self._say(self.text.end(_text(event, "text")), events)

    def refuse(self, event: _Fields, events: list[Event]) -> None:
        """Take an increment of the model's own words in place of a text."""
        self.refused = True
        text = as_text(event.get("delta"), "delta")
        self.text.write(text)
        self._say(text, events)

    def end_refusal(self, event: _Fields, events: list[Event]) -> None:
        """Take all of those words."""
        self.refused = True
        self._say(self.text.end(_text(event, "refusal")), events)

    def _say(self, text: str, events: list[Event]) -> None:
        if text:
            events.append(text)

    def reason(self, event: _Fields, events: list[Event]) -> None:
        """Take an increment of reasoning."""
        text = as_text(event.get("delta"), "delta")
        self._reasoning.write(text)
        self._think(text, events)

    def begin_summary(self, event: _Fields, events: list[Event]) -> None:
        """Take the beginning of a paragraph of a summary."""
        self._reasoning.begin()
        self._parted = bool(event.get("summary_index"))

    def end_reasoning(self, event: _Fields, events: list[Event]) -> None:
        """Take all of a part of reasoning."""
        self._think(self._reasoning.end(_text(event, "text")), events)

    def _think(self, text: str, events: list[Event]) -> None:
        """Give reasoning; nothing else parts the paragraphs of a summary."""
        if text and self._parted:
            self._parted = False
            events.append(ReasoningDelta(text="\n\n"))
        if text:
            events.append(ReasoningDelta(text=text))

    # Calls.

    def grow(self, event: _Fields, events: list[Event]) -> None:
        """Take an increment of a call's input."""
        self.calls.grow(event, events)

    def fill(self, event: _Fields, events: list[Event]) -> None:
        """Take a call's whole input."""
        self._check(same=self.calls.fill(event, events))

    def _check(self, *, same: bool) -> None:
        if self.gap and not same:
            raise OddEventError("ends a call with missing events")

    # Sounds and citations.

    def play(self, event: _Fields, events: list[Event]) -> None:
        """Take an increment of a sound, or of what is said in it."""
        delta = event.get("delta")
        if "transcript" in event["type"]:
            self._sound_out(None, delta, events)
        else:
            self._sound_out(delta, None, events)

    def _sound_out(self, data: object, transcript: object, events: list[Event]) -> None:
        if self._sound is None:
            self._sound = self._media
            self._media += 1
        increment = sound(self._sound, data, transcript)
        if increment is not None:
            events.append(increment)

    def annotate(self, event: _Fields, events: list[Event]) -> None:
        """Take an annotation of the text."""
        for annotation in parts_of(event.get("annotation")):
            self._cited[key_of(annotation)] += 1
            events.append(citation(annotation, self.text.start))

    def _cite(
        self, part: Mapping[str, Any], start: int | None, events: list[Event]
    ) -> None:
        """Give the annotations of a part that were not given before."""
        for annotation in parts_of(part.get("annotations")):
            key = key_of(annotation)
            self._seen[key] += 1
            if self._seen[key] > self._cited[key]:
                self._cited[key] += 1
                events.append(citation(annotation, start))

    # Items.

    def begin_item(self, event: _Fields, events: list[Event]) -> None:
        """Take the beginning of an item."""
        item = as_mapping(event.get("item"), "item")
        if self._begun:
            self._say_begun(events)
        self.text.begin()
        if _says_something(item):
            self._begun.append(event)
        self.calls.begin(event, item, events)

    def _say_begun(self, events: list[Event]) -> None:
        """Give what the beginnings of items say, if nothing else said it.

        Some gateways send a whole item in its beginning, and neither increments of it
        nor its end.
        """
        for event in self._begun:
            for text in texts_of(event["item"]):
                if not self.text.has_ended(text):
                    self._say(self.text.end(text), events)
            for text in reasons_of(event["item"]):
                if not self._reasoning.has_ended(text):
                    self._think(self._reasoning.end(text), events)

    def _take_begun(self, events: list[Event]) -> None:
        """Take the items that were whole in their beginnings and did not end."""
        self._say_begun(events)
        for event in self._begun:
            item = event["item"]
            if not is_asked(item) or self.calls.is_whole(event, item):
                self._take(item, event, events)
        self._begun.clear()

    def end_item(self, event: _Fields, events: list[Event]) -> None:
        """Take an item that has ended, once."""
        item = as_mapping(event.get("item"), "item")
        if _id(item) not in self._ids:
            place = as_count(event, "output_index")
            self._places.add(place)
            self._begun = [
                begun
                for begun in self._begun
                if place != as_count(begun, "output_index")
                or (_id(item) and _id(item) != _id(begun["item"]))
            ]
            self._take(item, event, events)

    def _take(self, item: _Fields, event: _Fields, events: list[Event]) -> None:
        self.items.append(item)
        if _id(item):
            self._ids.add(_id(item))
        kind = item.get("type") or "message"
        if is_asked(item):
            self._check(same=self.calls.end(event, item, events))
        elif kind == "reasoning":
            self._take_reasoning(item, events)
        elif kind == "message":
            self._take_message(item, events)
        for media_type, url in images_of(item):
            image = MediaDelta(index=self._media, media_type=media_type, url=url)
            self._media += 1
            events.append(image)

    def _take_message(self, item: _Fields, events: list[Event]) -> None:
        for part in message_parts([item]):
            text = text_of(part)
            if text is not None:
                start, rest = self.text.part(text)
                self._say(rest, events)
                self._cite(part, start, events)
                self.refused |= "refusal" in part
            elif part.get("type") == "output_audio" and self._sound is None:
                self._sound_out(part.get("data"), part.get("transcript"), events)

    def _take_reasoning(self, item: _Fields, events: list[Event]) -> None:
        for index, text in enumerate(reasons_of(item)):
            _, rest = self._reasoning.part(text)
            self._parted = index > 0 and rest == text
            self._think(rest, events)
        self._parted = False

    # The whole answer.

    def settle(self, output: list[_Fields], events: list[Event]) -> None:
        """Give what the whole answer has beyond the events before.

        Raises:
            OddEventError: Something came that the whole answer does not have, and an
                event is missing.
        """
        if self._begun and not output:
            self._take_begun(events)
        if len(output) > len(self.items):
            missing = [i for place, i in enumerate(output) if not self._has(i, place)]
            for item in missing:
                self._take(item, {}, events)
        for item in filter(is_asked, output):
            self._check(same=self.calls.amend(item, events))
        items = output or self.items
        texts = [text for item in items for text in texts_of(item)]
        rest, known = self.text.settled(texts)
        if self.gap and not (known and (output or not texts)):
            raise OddEventError("ends an answer with missing events")
        self._say(rest, events)
        reasons = [reason for item in items for reason in reasons_of(item)]
        self._think(self._reasoning.settled(reasons)[0], events)
        self._cite_all(output, events)
        # OpenAI's and xAI's own clients take the items from here, in this order.
        encrypted = encrypted_in(output) >= encrypted_in(self.items)
        if encrypted and len(output) >= len(self.items):
            self.items = output

    def _has(self, item: _Fields, place: int) -> bool:
        """Return whether an item of the whole answer has ended before."""
        if _id(item) in self._ids or place in self._places:
            return True
        return is_asked(item) and self.calls.has(item)

    def _cite_all(self, output: list[_Fields], events: list[Event]) -> None:
        """Give the annotations that the whole answer alone has."""
        self._seen.clear()
        for part in message_parts(output):
            if part.get("annotations"):
                self._cite(part, self.text.find(text_of(part) or ""), events)

    def logprobs(self) -> list[object]:
        """Return the logprobs of all tokens; none if they were not requested."""
        in_items = [p for part in message_parts(self.items) for p in logprobs_of(part)]
        return in_items or self._logprobs


def _says_something(item: _Fields) -> bool:
    """Return whether the beginning of an item may be all of it."""
    kind = item.get("type") or "message"
    if kind in {"message", "reasoning"}:
        return any((*texts_of(item), *reasons_of(item)))
    return is_asked(item) or item.get("status") == "completed"


Reader: TypeAlias = Callable[[Answer, _Fields, list[Event]], None]

READERS: dict[object, Reader] = {
    "response.content_part.added": Answer.begin_part,
    "response.output_text.done": Answer.end_text,
    "response.output_text.annotation.added": Answer.annotate,
    "response.refusal.delta": Answer.refuse,
    "response.refusal.done": Answer.end_refusal,
    "response.reasoning_summary_part.added": Answer.begin_summary,
    "response.reasoning_summary_text.delta": Answer.reason,
    "response.reasoning_summary_text.done": Answer.end_reasoning,
    "response.reasoning_text.delta": Answer.reason,
    "response.reasoning_text.done": Answer.end_reasoning,
    # In the specification of Open Responses.
    "response.reasoning.delta": Answer.reason,
    "response.reasoning.done": Answer.end_reasoning,
    "response.output_item.added": Answer.begin_item,
    "response.output_item.done": Answer.end_item,
    "response.function_call_arguments.delta": Answer.grow,
    "response.function_call_arguments.done": Answer.fill,
    "response.custom_tool_call_input.delta": Answer.grow,
    "response.custom_tool_call_input.done": Answer.fill,
    "response.audio.delta": Answer.play,
    "response.audio.transcript.delta": Answer.play,
    "response.output_audio.delta": Answer.play,
    "response.output_audio_transcript.delta": Answer.play,
}
"""By the type of an event, who reads it."""


def _text(fields: Mapping[str, Any], name: str) -> str:
    """Return a text; empty if there is none."""
    return as_text(fields.get(name) or "", name)


def _id(item: _Fields) -> str:
    """Return the id of an item; empty if it has none."""
    return as_text(item.get("id") or "", "an item's id")
