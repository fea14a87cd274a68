"""A plugin whose providers say what the tests expect. Copied into a package.

It imports nothing heavy, as the tests look at what turnout's help loads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from types import MappingProxyType

import click

from turnout import (
    Attempt,
    Capabilities,
    ChatRequest,
    Citation,
    ConnectError,
    Event,
    Finish,
    InvalidRequestError,
    MediaDelta,
    ModelInfo,
    Provider,
    ProviderInfo,
    ReasoningDelta,
    StreamTruncatedError,
    Target,
    ToolCallDelta,
    UnavailableError,
    Usage,
    hookimpl,
)

ALL = Capabilities(temperature=True, max_tokens=True, images=True, files=True)


class Echo(Provider):
    """Repeats the conversation."""

    info = ProviderInfo(
        name="Echo",
        models=(
            ModelInfo(name="echo-1", context_window=4096, aliases=("parrot",)),
            "echo-2",
        ),
        capabilities=ALL,
        open_models=True,
    )

    async def list_models(self) -> list[ModelInfo]:
        """Give the first of them and one that is new."""
        return [self.catalog.info_of("echo-1"), ModelInfo(name="echo-new")]

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer with each message and the parameters."""
        for message in request.messages:
            yield f"{message.role}={message.text}|"
            for part in () if isinstance(message.content, str) else message.content[1:]:
                yield f"{type(part).__name__}|"
        if request.temperature is not None or request.max_tokens is not None:
            yield f"temperature={request.temperature} max_tokens={request.max_tokens}|"
        yield Usage(input_tokens=3, output_tokens=5)
        yield Finish(reason="stop")


class Engine(Echo):
    """The same in this process."""

    info = ProviderInfo(
        name="Engine", models=("engine-1",), in_process=True, capabilities=ALL
    )


class Bare(Provider):
    """An engine that is not all there."""

    info = ProviderInfo(name="Bare", models=("bare-1",), in_process=True)

    def unavailable(self) -> str:
        """Return what to type."""
        return "the engine is not here; type `fetch it`"

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Fail."""
        if request.messages:
            raise UnavailableError(self.unavailable())
        yield ""


class Picky(Echo):
    """Has a model that can do something else than it says of others."""

    info = ProviderInfo(
        name="Picky",
        models=(ModelInfo(name="picky-1", capabilities=Capabilities(tools=True)),),
        capabilities=ALL,
    )


class Down(Provider):
    """Cannot be reached."""

    info = ProviderInfo(name="Down", models=("down-1", "down-2"))

    async def list_models(self) -> list[ModelInfo]:
        """Fail."""
        raise ConnectError("cannot reach down.example: its name is not known")

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Fail."""
        if request.messages:
            error = ConnectError("cannot reach down.example: its name is not known")
            error.retryable = False
            raise error
        yield ""


class Strict(Provider):
    """Refuses every request, in this process."""

    info = ProviderInfo(name="Strict", models=("strict-1",), in_process=True)

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Fail, with words that a terminal would obey."""
        if request.messages:
            raise InvalidRequestError("Strict rejected the request: \x1b[2Jno\nnever")
        yield ""


class Torn(Provider):
    """Breaks off."""

    info = ProviderInfo(name="Torn", models=("torn-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer by half."""
        yield "half an ans"
        raise StreamTruncatedError("the connection to torn.example was lost")


class Slow(Provider):
    """Never ends its first answer; repeats the conversation in those that follow."""

    info = ProviderInfo(name="Slow", models=("slow-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        import asyncio

        if sum(message.role == "user" for message in request.messages) > 1:
            for message in request.messages:
                yield f"{message.role}={message.text}|"
            return
        if request.last_user_text != "silence":
            yield "one two "
        await asyncio.Event().wait()


class Endless(Provider):
    """Gives line after line."""

    info = ProviderInfo(name="Endless", models=("endless-1",))

    async def list_models(self) -> list[ModelInfo]:
        """Fail as no plugin should."""
        raise RuntimeError("there is no end of them")

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        import asyncio

        while True:
            yield "line\n"
            await asyncio.sleep(0.001)  # A flood would fill the screen of a test.


class Mute(Provider):
    """Says nothing."""

    info = ProviderInfo(name="Mute", models=("mute-1",))

    def unavailable(self) -> str | None:
        """Fail."""
        raise RuntimeError("nobody asked")

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        yield Finish(reason="stop")


class Rich(Provider):
    """Gives every kind of event, and text that a terminal would obey."""

    info = ProviderInfo(name="Rich", models=("rich-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        yield ReasoningDelta(text="hm")
        yield ToolCallDelta(index=0, id="c1", name="f", arguments="{}")
        yield "\x1b[31mred\x1b[0m \x9b5m\u2028\u202e\u200btxt\r\x07\ttab é\n\ud83d"
        yield Usage(input_tokens=1)
        target = Target("Rich", "rich-1")
        yield Finish(
            reason="length", details=MappingProxyType({"why": target, "more": (1, ALL)})
        )


class Writer(Provider):
    """Gives the text of `answer.md` in the working directory, piece by piece."""

    info = ProviderInfo(
        name="Writer",
        models=("writer-1",),
        capabilities=Capabilities(response_format=True),
    )

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        import asyncio
        from pathlib import Path

        text = await asyncio.to_thread(Path("answer.md").read_text, "utf-8")
        for start in range(0, len(text), 3):
            yield text[start : start + 3]
            if text.endswith("\n\n\n"):  # Slowly.
                await asyncio.sleep(0.005)
        yield Finish(reason="stop")


class Thinker(Provider):
    """Thinks before it answers."""

    info = ProviderInfo(name="Thinker", models=("thinker-1",), capabilities=ALL)

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        yield ReasoningDelta(text="Well,\x1b[2J")
        yield ReasoningDelta(text=" then.")
        yield "It is so."
        yield Finish(reason="stop")


class Sourced(Provider):
    """Gives images, sounds, sources, and what else belongs to an answer."""

    info = ProviderInfo(name="Sourced", models=("sourced-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer."""
        yield "Bees dance."
        yield Citation(url="https://bees.example", title="On\x1b[2J bees", end=4)
        yield Citation(url="https://bees.example", title="On\x1b[2J bees", start=5)
        yield Citation(source="notes.pdf")
        yield Citation(cited_text="without a name")
        yield MediaDelta(index=0, media_type="image/png", data=b"12")
        yield MediaDelta(index=0, data=b"3" * 11_998)
        yield MediaDelta(index=1, media_type="audio/wav", data=b"abc", transcript="Bzz")
        yield MediaDelta(index=2, media_type="video/mp4", url="https://bees.example/v")
        yield MediaDelta(index=3, data=b"?")
        yield MediaDelta(index=4, transcript="Words.")
        yield Usage(cost=Decimal("0.00000012"))
        yield Finish(reason="stop", items=({"type": "web_search_call"},))


class Keyed(Provider):
    """Needs a key."""

    info = ProviderInfo(
        name="Keyed",
        models=("keyed-1",),
        needs_key=True,
        key_variable="KEYED_KEY",
        options={"base_url": "http://127.0.0.1:1"},
    )

    async def generate(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer with nothing of the key."""
        self.required_key()
        yield "opened"


class Listener:
    """Hears of attempts, as a plugin that logs does."""

    @hookimpl
    def turnout_rewrite_request(self, request: ChatRequest) -> ChatRequest:
        """Leave the request."""
        return request

    @hookimpl
    def turnout_attempt_started(self, attempt: Attempt) -> None:
        """Write who is asked."""
        click.echo(f"heard: {attempt.target} {attempt.outcome}", err=True)

    @hookimpl
    def turnout_attempt_ended(self, attempt: Attempt) -> None:
        """Write what came of it."""
        click.echo(f"heard: {attempt.target} {attempt.outcome}", err=True)


listener = Listener()


class Extra:
    """Adds commands, one of them with a name that is taken."""

    @hookimpl
    def turnout_commands(self, cli: click.Group) -> None:
        """Add them."""

        @cli.command("sing")
        @click.option("--loudly", is_flag=True)
        @click.pass_context
        def sing(context: click.Context, loudly: bool) -> str:
            """Sing."""
            if loudly:
                context.exit(3)
            click.echo("la")
            return "not a status"

        @cli.command("models")
        def models() -> None:
            """Never called."""
            click.echo("stolen")

    @hookimpl
    def turnout_models(self) -> list[ModelInfo]:
        """Add a model."""
        return [ModelInfo(name="echo-3", provider="Echo")]

    @hookimpl
    def turnout_aliases(self) -> dict[str, str]:
        """Add an alias."""
        return {"polly": "Echo:echo-1"}


extra = Extra()


class Empty:
    """Gives nothing."""

    @hookimpl
    def turnout_aliases(self) -> dict[str, str]:
        """Add no alias."""
        return {}


empty = Empty()


class Faulty:
    """Raises where it is to add its commands."""

    @hookimpl
    def turnout_commands(self, cli: click.Group) -> None:
        """Fail."""
        raise RuntimeError("no commands today")


faulty = Faulty()


@hookimpl
def turnout_providers() -> list[type[Provider]]:
    """Give all of them."""
    return [
        Bare,
        Picky,
        Down,
        Echo,
        Endless,
        Engine,
        Keyed,
        Mute,
        Rich,
        Slow,
        Sourced,
        Strict,
        Thinker,
        Torn,
        Writer,
    ]
