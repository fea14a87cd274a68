"""The embedded model as a provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import TYPE_CHECKING

from turnout.errors import TurnoutError
from turnout.provider import Provider
from turnout.types import ChatRequest, Event, ProviderInfo
from turnout_local._models import LOCAL
from turnout_local._options import LocalOptions
from turnout_local._protocol import AnswerReader, body_of, error_of

if TYPE_CHECKING:
    from turnout_local._engine import Engine
    from turnout_local._llama import Settings

__all__ = ["Local"]


class Local(Provider):
    """A small model on llama.cpp, in this process.

    The model is loaded with the first request, and is shared by all instances of
    the same options, in all event loops and threads of the process. It is unloaded
    when the last instance that used it is closed, by `aclose` or by leaving its
    `async with` block; else at the end of the process.

    Loading takes half a second, for which the whole process stands still: the engine
    holds Python's lock. A server that minds asks for one token before it serves.

    Args:
        options: The fields of `LocalOptions`.
    """

    info = LOCAL
    options_type = LocalOptions
    options: LocalOptions

    def __init__(self, *, info: ProviderInfo | None = None, **options: object) -> None:
        try:
            super().__init__(info=info, **options)
        finally:
            del options  # A traceback may show the locals: a key.
        window = self.options.context_size
        self.info = replace(
            self.info,
            models=tuple(
                replace(model, context_window=window) for model in self.info.model_infos
            ),
        )

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[Event]]:
        """Answer a request; waits its turn where all slots are taken.

        Closing or cancelling stops the generation with its next token, or within
        half a second where the input is still being read.

        Raises:
            UnavailableError: The engine or the weights are not installed, the process
                is ending, or it was forked after a load.
            ContextLengthError: The input is longer than `context_size`.
            InvalidRequestError: The engine cannot read the request.
            OverloadedError: Too many requests wait already.
            StreamTruncatedError: The process began to end meanwhile.
        """
        generation = self.engine.generate(body_of(request), user=self)
        reader = AnswerReader()
        try:
            while chunks := await generation.read():
                events = [event for chunk in chunks for event in reader.read(chunk)]
                if events:
                    yield events
        except TurnoutError:
            raise
        except Exception as error:
            raise error_of(error) from error
        finally:
            generation.cancel()
        reader.close()

    def unavailable(self) -> str | None:
        """Return what to type where the engine or the weights are not installed."""
        from turnout_local._llama import missing

        return missing(self.options.model_path)

    async def aclose(self) -> None:
        """Unload the model, if no other instance uses it; answers end first.

        Waits a second at most for answers that were cancelled to end. Cancelling
        leaves the unloading to a thread.
        """
        import asyncio

        from turnout_local._shared import ENGINES

        await super().aclose()
        # In a thread, since unloading takes its time.
        await asyncio.to_thread(ENGINES.release, self._settings, self)

    @property
    def engine(self) -> Engine:
        """The engine, which instances of the same options share."""
        from turnout_local._shared import ENGINES

        return ENGINES.get(self._settings)

    @property
    def _settings(self) -> Settings:
        from turnout_local._llama import Settings

        options = self.options
        return Settings(
            model_path=options.model_path,
            threads=options.threads,
            context_size=options.context_size,
            slots=options.slots,
        )
