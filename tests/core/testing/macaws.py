"""A provider that can do all that the contract knows of, and others that drop some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from turnout.decoding import as_text
from turnout.service import Call
from turnout.testing import WireAnswer, json_lines
from turnout.types import (
    AudioPart,
    Capabilities,
    ChatRequest,
    Citation,
    Event,
    Finish,
    MediaDelta,
    Message,
    ProviderInfo,
    RequestOptions,
    ToolCallDelta,
    Usage,
    VideoPart,
    message_to_openai,
    tool_to_openai,
)

from .parrots import INFO, Decoder, Parrot, ParrotContract

MACAW = ProviderInfo(
    name="Macaw",
    models=("macaw-1",),
    capabilities=Capabilities(
        tools=True,
        images=True,
        audio=True,
        video=True,
        files=True,
        native_tools=True,
        extra_fields=True,
    ),
    options=INFO.options,
)


class MacawDecoder(Decoder):
    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self.items: list[dict[str, Any]] = []
        self.signature: str | None = None

    def read_more(self, line: dict[str, Any], events: list[Event]) -> None:
        match line:
            case {"call": {"id": str(id), "name": str(name), "input": str(text)}}:
                called: dict[str, Any] = line["call"]
                kind = as_text(called.get("kind", "function"), "kind")
                events.append(
                    ToolCallDelta(
                        index=len(self.items),
                        id=id,
                        name=name,
                        arguments=text,
                        kind=kind,
                        item=None if kind == "function" else called,
                    )
                )
                self.items.append(called)
            case {"source": str(url)}:
                events.append(Citation(url=url, start=0, end=3, item=line))
            case {"image": str(text)}:
                data = text.encode()
                events.append(MediaDelta(index=0, media_type="image/x", data=data))
            case {"item": {"searched": str(words)}}:
                self.items.append({"searched": words})
            case {"signature": str(signature)}:
                self.signature = signature
            case _:
                pass

    def finish(self) -> Finish:
        signature = self.signature
        return Finish(
            reason="stop",
            items=tuple(self.items),
            state=None if signature is None else {"macaw": signature},
        )


class Macaw(Parrot):
    info = MACAW

    def call(self, request: ChatRequest) -> Call:
        return Call("/chat", self.body(request), self.headers(), MacawDecoder)

    def body(self, request: ChatRequest) -> dict[str, object]:
        fields: dict[str, object] = {
            "model": request.model,
            "messages": [self.written(message) for message in request.messages],
        }
        if request.tools:
            fields["tools"] = [tool_to_openai(tool) for tool in request.tools]
            fields["tool_choice"] = request.tool_choice
        return request.merged(fields)

    def written(self, message: Message) -> dict[str, Any]:
        state = (message.state or {}).get("macaw")
        functions = tuple(c for c in message.tool_calls if c.kind == "function")
        fields = message_to_openai(replace(message, tool_calls=functions))
        if len(functions) < len(message.tool_calls):
            fields["calls"] = [c.item for c in message.tool_calls if c.item is not None]
        return fields if state is None else {**fields, "signature": state}


LOOK: RequestOptions = {"tools": [{"type": "function", "function": {"name": "look"}}]}
END = json_lines({"done": True})


def said(text: str) -> tuple[bytes, str]:
    return json_lines({"text": text}), text


class MacawContract(ParrotContract):
    provider = Macaw
    model = "macaw-1"
    model_list = None
    answers: ClassVar[Sequence[WireAnswer]] = (
        WireAnswer(name="text", pieces=(said("Polly "), said("wants.")), end=END),
        WireAnswer(
            name="calls",
            pieces=(
                (
                    json_lines({"call": {"id": "c1", "name": "look", "input": "{}"}}),
                    ToolCallDelta(
                        index=0, id="c1", name="look", arguments="{}", kind="function"
                    ),
                ),
                (
                    json_lines(
                        {
                            "call": {
                                "id": "c2",
                                "name": "shell",
                                "input": "ls",
                                "kind": "shell",
                            }
                        }
                    ),
                    ToolCallDelta(
                        index=1, id="c2", name="shell", arguments="ls", kind="shell"
                    ),
                ),
            ),
            end=END,
            request=LOOK,
        ),
        WireAnswer(
            name="sources",
            pieces=(
                said("Bees"),
                (
                    json_lines({"source": "https://bees.example"}),
                    Citation(url="https://bees.example", start=0, end=3),
                ),
                (
                    json_lines({"image": "be"}),
                    MediaDelta(index=0, media_type="image/x", data=b"be"),
                ),
                (json_lines({"image": "es"}), MediaDelta(index=0, data=b"es")),
                (json_lines({"item": {"searched": "bees"}}),),
            ),
            end=END,
            items=[{"searched": "bees"}],
        ),
        WireAnswer(
            name="signature",
            pieces=(said("Yes."), (json_lines({"signature": "canary signature"}),)),
            end=END,
            sent_back=["canary signature"],
        ),
    )
    errors = ()


class Levelling(Macaw):
    """Sends every message as the user's."""

    def written(self, message: Message) -> dict[str, Any]:
        return {**super().written(message), "role": "user"}


class Crossing(Macaw):
    """Takes one role for another."""

    def written(self, message: Message) -> dict[str, Any]:
        roles = {"user": "assistant", "assistant": "user"}
        role = roles.get(message.role, message.role)
        return {**super().written(message), "role": role}


class Unaddressed(Macaw):
    """Leaves out which call a result answers."""

    def written(self, message: Message) -> dict[str, Any]:
        fields = super().written(message)
        fields.pop("tool_call_id", None)
        return fields


class Nameless(Macaw):
    """Numbers results, and leaves out the ids of their calls."""

    def written(self, message: Message) -> dict[str, Any]:
        fields = super().written(message)
        given = fields.pop("tool_call_id", None)
        return fields if given is None else {**fields, "number": hash(given) % 97}


class Chatty(Macaw):
    """Sends a result as a user's words."""

    def written(self, message: Message) -> dict[str, Any]:
        fields = super().written(message)
        if message.role == "tool":
            return {"role": "user", "content": message.text}
        return fields


class Amnesiac(Macaw):
    """Keeps what the service wants to see again, and does not send it."""

    def written(self, message: Message) -> dict[str, Any]:
        return message_to_openai(message)


class CarelessDecoder(MacawDecoder):
    def finish(self) -> Finish:
        return Finish(reason="stop", items=tuple(self.items))


class Thoughtless(Macaw):
    """Keeps nothing of what the service wants to see again."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=CarelessDecoder)


class Gullible(Macaw):
    """Sends the state of any service."""

    def written(self, message: Message) -> dict[str, Any]:
        fields = super().written(message)
        return fields if message.state is None else {**fields, "state": message.state}


class Fragile(Macaw):
    """Breaks with the state of another service."""

    def written(self, message: Message) -> dict[str, Any]:
        if message.state is not None:
            return {**message_to_openai(message), "signature": message.state["macaw"]}
        return super().written(message)


class PlainDecoder(MacawDecoder):
    def read_more(self, line: dict[str, Any], events: list[Event]) -> None:
        given: list[Event] = []
        super().read_more(line, given)
        dropped = Citation | MediaDelta
        events += [event for event in given if not isinstance(event, dropped)]


class Plain(Macaw):
    """Drops sources and images."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=PlainDecoder)


class EmptyDecoder(MacawDecoder):
    def finish(self) -> Finish:
        self.items.clear()
        return super().finish()


class Empty(Macaw):
    """Drops what else the service did."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=EmptyDecoder)


class OddDecoder(MacawDecoder):
    def finish(self) -> Finish:
        odd: Any = "banana"
        return Finish(reason=odd)


class Odd(Macaw):
    """Has a reason of its own invention."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=OddDecoder)


class CountingDecoder(MacawDecoder):
    def complete(self, events: list[Event]) -> None:
        many: Any = "many"
        self.usage = Usage(input_tokens=many)


class Counting(Macaw):
    """Counts in words."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=CountingDecoder)


class Functional(Macaw):
    """Drops tools that are not functions."""

    def body(self, request: ChatRequest) -> dict[str, object]:
        return super().body(replace(request, tools=request.functions))


class Crowding(Macaw):
    """Drops functions where there is another tool."""

    def body(self, request: ChatRequest) -> dict[str, object]:
        kept = request.native_tools or request.tools
        return super().body(replace(request, tools=kept))


class Uncalled(Macaw):
    """Drops calls that are not of functions."""

    def written(self, message: Message) -> dict[str, Any]:
        calls = [call for call in message.tool_calls if call.kind == "function"]
        return super().written(replace(message, tool_calls=tuple(calls)))


class Bare(Macaw):
    """Drops the fields that it does not know."""

    def written(self, message: Message) -> dict[str, Any]:
        content = message.content
        if not isinstance(content, str):
            content = tuple(replace(part, extra=None) for part in content)
        return super().written(replace(message, content=content, extra=None))


class Deafened(Macaw):
    """Drops sounds and videos."""

    def written(self, message: Message) -> dict[str, Any]:
        content = message.content
        if not isinstance(content, str):
            dropped = AudioPart | VideoPart
            content = tuple(p for p in content if not isinstance(p, dropped))
        return super().written(replace(message, content=content))


class Addressless(Macaw):
    """Sends no URL, and does not say so."""

    def written(self, message: Message) -> dict[str, Any]:
        content = message.content
        if not isinstance(content, str):
            content = tuple(p for p in content if getattr(p, "url", None) is None)
        return super().written(replace(message, content=content))
