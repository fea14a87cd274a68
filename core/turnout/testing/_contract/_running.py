"""The ways to read an answer, and that nothing is left open afterwards."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import ClassVar

from turnout._face import fallback
from turnout.errors import StreamTruncatedError
from turnout.testing._contract._limits import run, run_clean
from turnout.testing._contract._setting import QUESTION, Setting
from turnout.testing._fake_provider import FakeProvider
from turnout.testing._leaks import LeakCheck
from turnout.types import Finish

__all__ = ["Running"]


class Running(Setting):
    """An answer can be read in each way, and nothing is left open."""

    at_once: ClassVar[int] = 8
    """How many answers are requested at once."""

    def test_an_answer_comes_as_text(self) -> None:
        async def main() -> None:
            async with LeakCheck(), self.answering() as provider:
                stream = provider.stream(QUESTION, **self.asked())
                texts = [text async for text in stream]

            assert "".join(texts)
            assert stream.reply.text == "".join(texts)
            assert stream.reply.finish_reason is not None

        run_clean(main)

    def test_an_answer_comes_as_events(self) -> None:
        async def main() -> None:
            async with self.answering() as provider:
                stream = provider.stream(QUESTION, **self.asked())
                events = [event async for event in stream.events()]

            texts = [event for event in events if isinstance(event, str)]
            assert "".join(texts) == stream.reply.text
            assert sum(isinstance(event, Finish) for event in events) <= 1

        run_clean(main)

    def test_a_whole_answer_says_what_became_of_it(self) -> None:
        async def main() -> None:
            async with self.answering() as provider:
                reply = await self.ask(provider)

            (attempt,) = reply.attempts
            assert attempt.outcome == "complete"
            assert attempt.error is None
            assert attempt.first_delta is not None
            assert attempt.target == reply.target
            assert str(reply.target) == f"{self.told.name}:{self.model_name}"

        run_clean(main)

    def test_an_answer_can_be_read_without_asyncio(self) -> None:
        async def main() -> str:
            async with self.answering() as provider:
                stream = provider.stream(QUESTION, **self.asked())
                return await asyncio.to_thread("".join, stream)

        assert run(main())

    def test_a_stream_that_is_left_leaves_nothing(self) -> None:
        async def main() -> None:
            async with LeakCheck(), self.answering() as provider:
                async with provider.stream(QUESTION, **self.asked()) as stream:
                    async for _ in stream:
                        break

        run_clean(main)

    def test_a_stream_that_was_never_read_leaves_nothing(self) -> None:
        async def main() -> None:
            async with LeakCheck(), self.answering() as provider:
                stream = provider.stream(QUESTION, **self.asked())
                await stream.aclose()

                assert stream.reply.attempts == ()

        run_clean(main)

    def test_a_reader_that_is_cancelled_leaves_nothing(self) -> None:
        async def main() -> None:
            async with LeakCheck(), self.answering() as provider:
                reading = asyncio.create_task(self.ask(provider))
                await asyncio.sleep(0)
                reading.cancel()
                # A fast answer may be complete by now.
                with suppress(asyncio.CancelledError):
                    await reading

        run_clean(main)

    def test_it_works_in_one_event_loop_after_another(self) -> None:
        async def main() -> str:
            async with self.answering() as provider:
                return (await self.ask(provider)).text

        assert run_clean(main)
        assert run_clean(main)

    def test_it_answers_many_at_once(self) -> None:
        async def main() -> None:
            async with LeakCheck(), self.answering() as provider:
                asked = [self.ask(provider) for _ in range(self.at_once)]
                replies = await asyncio.gather(*asked)

            assert all(reply.text for reply in replies)
            assert all(reply.attempts[0].outcome == "complete" for reply in replies)

        run_clean(main)

    def test_it_goes_on_with_an_answer_that_another_began(self) -> None:
        self.needs("history")

        async def main() -> None:
            broken = FakeProvider(self.beginning, StreamTruncatedError("cut"))
            async with self.answering() as provider:
                route = fallback(broken, provider.target(self.model))
                stream = route.stream(QUESTION, **self.asked_of_a_route())
                text = "".join([text async for text in stream])

            outcomes = [attempt.outcome for attempt in stream.reply.attempts]
            assert outcomes == ["failed", "complete"]
            assert text.startswith(self.beginning)
            # A provider that echoes its last message repeats only the anchor.
            join = stream.reply.attempts[-1].join
            assert text != self.beginning or join == "anchor"

        run_clean(main)
