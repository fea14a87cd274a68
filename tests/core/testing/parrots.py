"""A provider that keeps the contract, and others that break it in one thing each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast
from urllib.request import urlopen

from turnout.decoding import LineDecoder, OddEventError, as_mapping, as_text
from turnout.errors import OverloadedError, ProtocolError, UnsupportedError
from turnout.service import Call, Service
from turnout.testing import ProviderContract, WireAnswer, WireError, json_lines
from turnout.types import (
    Capabilities,
    ChatRequest,
    Event,
    Finish,
    ModelInfo,
    ProviderInfo,
    Secret,
)

INFO = ProviderInfo(
    name="Parrot",
    models=("parrot-1", ModelInfo(name="parrot-2", aliases=("two",))),
    key_variable="PARROT_KEY",
    needs_key=True,
    capabilities=Capabilities(temperature=True),
    options={"base_url": "https://parrot.example"},
)


class Decoder(LineDecoder):
    end = "its line of done"

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        for data in datas:
            try:
                line = as_mapping(self.from_json(data), "a line")
            except ValueError:
                raise OddEventError("is not valid JSON") from None
            if "error" in line:
                self.report(data)
                return
            if "text" in line:
                events.append(as_text(line["text"], "text"))
            self.read_more(line, events)
            if line.get("done"):
                self.ended = self.done = True

    def read_more(self, line: dict[str, Any], events: list[Event]) -> None:
        """Read what a richer protocol has in a line."""

    def finish(self) -> Finish:
        return Finish(reason="stop")


class Parrot(Service):
    info = INFO

    def headers(self) -> dict[str, Secret]:
        key = self.key()
        return {} if key is None else {"Authorization": key.prefixed("Bearer ")}

    def call(self, request: ChatRequest) -> Call:
        body: dict[str, object] = {
            "model": request.model,
            "system": request.system_text,
            "say": [
                {"role": message.role, "text": message.text}
                for message in request.messages
            ],
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        return Call("/chat", request.merged(body), self.headers(), Decoder)

    async def list_models(self) -> Sequence[ModelInfo]:
        async with self.http.get("/models", headers=self.headers()) as response:
            names = await response.json()
        if not isinstance(names, list):
            raise ProtocolError("Parrot's list of models is none")
        listed = cast("list[object]", names)
        if not all(isinstance(name, str) for name in listed):
            raise ProtocolError("Parrot's list of models has a name that is none")
        return [ModelInfo(name=str(name)) for name in listed]


class ParrotContract(ProviderContract):
    provider = Parrot
    installed = False
    content_type = "application/x-ndjson"
    model = "two"
    model_list: ClassVar[tuple[bytes, Sequence[str]] | None] = (
        b'["parrot-1", "parrot-3"]',
        ("parrot-1", "parrot-3"),
    )
    answers: ClassVar[Sequence[WireAnswer]] = (
        WireAnswer(
            name="text",
            pieces=(
                (json_lines({"text": "Polly wants "}), "Polly wants "),
                (json_lines({"text": "a cracker."}), "a cracker."),
            ),
            end=json_lines({"done": True}),
        ),
        WireAnswer(
            name="last words",
            pieces=((json_lines({"text": "Polly "}), "Polly "),),
            end=json_lines({"text": "wants.", "done": True}),
            last=("wants.",),
        ),
    )
    errors: ClassVar[Sequence[WireError]] = (
        WireError(200, json_lines({"error": {"code": 503}}), OverloadedError),
    )


class HastyDecoder(Decoder):
    def close(self) -> list[Event]:
        self.ended = True
        return super().close()


class Hasty(Parrot):
    """Takes any end for the answer's."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=HastyDecoder)


class Talkative(Parrot):
    """Puts its key into the address."""

    def call(self, request: ChatRequest) -> Call:
        key = self.required_key().reveal()
        return super().call(request)._replace(path=f"/chat?key={key}")


class Forgetful(Parrot):
    """Drops what it was asked for."""

    def call(self, request: ChatRequest) -> Call:
        call = super().call(request)
        body = {k: v for k, v in call.body.items() if k in {"model", "say"}}
        return call._replace(body=body)


class Zeroless(Parrot):
    """Takes a zero for nothing."""

    def call(self, request: ChatRequest) -> Call:
        call = super().call(request)
        return call._replace(body={k: v for k, v in call.body.items() if v != 0})


class Modest(Parrot):
    """Asks for the list of models as anybody may."""

    async def list_models(self) -> Sequence[ModelInfo]:
        async with self.http.get("/models") as response:
            await response.json()
        return []


class Deaf(Parrot):
    """Gives an error of the service out as a text."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=DeafDecoder)


class DeafDecoder(Decoder):
    def report(self, data: bytes) -> None:
        self.ended = self.done = True


class Trusting(Parrot):
    """Takes a text to be one."""

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=TrustingDecoder)


class TrustingDecoder(Decoder):
    def read(self, datas: list[bytes], events: list[Event]) -> None:
        for data in datas:
            if b'"text"' in data:
                self.from_json(data)["text"].strip()
        super().read(datas, events)


class Hoarding(Parrot):
    """Gives nothing before it has all."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        yield [event async for events in super().generate(request) for event in events]


class Restless(Parrot):
    """Leaves a task behind."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        self.task = asyncio.create_task(asyncio.sleep(3600))
        async for events in super().generate(request):
            yield events


class Loud(Parrot):
    """Tells the question in its errors."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        try:
            async for events in super().generate(request):
                yield events
        except Exception as error:
            error.args = (f"{error} ({request.last_user_text})",)
            raise


class Stubborn(Parrot):
    """Refuses what it says that it can do."""

    def call(self, request: ChatRequest) -> Call:
        if request.temperature is not None:
            raise UnsupportedError("not today")
        return super().call(request)


class Sleeping(Parrot):
    """Holds the event loop up."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        time.sleep(0.001)  # noqa: ASYNC251 - This is the breach.
        async for events in super().generate(request):
            yield events


class Synchronous(Parrot):
    """Asks with a library that is not made for asyncio."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        assert self.options.base_url is not None
        url = f"{self.options.base_url}/chat"
        with urlopen(url, b"{}") as response:  # noqa: ASYNC210 - This is the breach.
            yield [response.read().decode()]


class Enduring(Parrot):
    """Goes on when it is cancelled."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        with suppress(asyncio.CancelledError):
            async for events in super().generate(request):
                yield events


class Careless(Parrot):
    """Leaves what it was given open."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        call = self.call(request)
        asking = self.http.post(call.path, json=call.body, headers=call.headers)
        response = await asking.__aenter__()
        decoder = call.decoder("Parrot", None)
        async for chunk in response.chunks():
            yield decoder.feed(chunk)
        decoder.check()


class Confused(Parrot):
    """Has a coroutine where a generator is expected."""

    async def generate(self, request: ChatRequest) -> Any:  # type: ignore[override]
        return [request.last_user_text]
