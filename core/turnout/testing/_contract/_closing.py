"""Readers that stop: the connection to the service is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from turnout.testing._contract._limits import run_clean
from turnout.testing._contract._setting import QUESTION, ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._leaks import LeakCheck
from turnout.testing._steps import expect_close, wait_request

__all__ = ["Closing"]

_SOON = 5.0
"""Seconds; much more than needed, for a busy machine."""


class Closing(ServiceSetting):
    """Leaving, closing and cancelling close the connection at once."""

    def test_leaving_a_stream_closes_the_connection(self) -> None:
        async def main() -> None:
            async with (
                FaultServer(self.begun(expect_close(_SOON))) as server,
                LeakCheck(),
            ):
                async with self.at(server) as provider:
                    async with provider.stream(QUESTION, **self.asked()) as stream:
                        async for _ in stream:
                            break
                    assert stream.reply.attempts[0].outcome == "closed"
                    await _is_left(server)

        run_clean(main)

    def test_closing_a_stream_closes_the_connection(self) -> None:
        async def main() -> None:
            async with (
                FaultServer(self.begun(expect_close(_SOON))) as server,
                LeakCheck(),
            ):
                async with self.at(server) as provider:
                    stream = provider.stream(QUESTION, **self.asked())
                    texts = aiter(stream)
                    await anext(texts)
                    await stream.aclose()
                    await _is_left(server)

                    assert [text async for text in texts] == []

        run_clean(main)

    def test_cancelling_in_an_answer_closes_the_connection(self) -> None:
        async def main() -> None:
            async with (
                FaultServer(self.begun(expect_close(_SOON))) as server,
                LeakCheck(),
            ):
                async with self.at(server) as provider:
                    begun = asyncio.Event()

                    async def read() -> None:
                        async for _ in provider.stream(QUESTION, **self.asked()):
                            begun.set()

                    await _cancelled(asyncio.create_task(read()), begun.wait())
                    await _is_left(server)

        run_clean(main)

    def test_cancelling_before_an_answer_closes_the_connection(self) -> None:
        async def main() -> None:
            silent = [wait_request(), expect_close(_SOON)]
            async with FaultServer(silent) as server, LeakCheck():
                async with self.at(server) as provider:
                    asked = server.wait_for(lambda: bool(server.http_requests))
                    await _cancelled(asyncio.create_task(self.ask(provider)), asked)
                    await _is_left(server)

        run_clean(main)

    def test_a_whole_answer_leaves_its_connection_to_the_next(self) -> None:
        async def main() -> None:
            script = self.whole(self.text_answer)
            async with FaultServer(script, keep_alive=True) as server:
                async with self.at(server) as provider:
                    await self.ask(provider)
                    await self.ask(provider)

                assert len(server.http_requests) == 2
                assert len(server.connections) == 1

        run_clean(main)

    def test_nothing_is_sent_before_a_stream_is_read(self) -> None:
        async def main() -> None:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server) as provider:
                    stream = provider.stream(QUESTION, **self.asked())
                    await stream.aclose()
            assert server.connections == []

        run_clean(main)


async def _cancelled(task: asyncio.Task[object], when: Awaitable[object]) -> None:
    """Cancel a task after an awaitable is done."""
    waiting = asyncio.ensure_future(when)
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        pytest.fail(f"the task ended before the cancellation: {task.exception()!r}")
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled(), "CancelledError was caught; raise it again"


async def _is_left(server: FaultServer) -> None:
    """Wait until the client has closed the only connection."""
    (connection,) = server.connections
    async with asyncio.timeout(_SOON):
        await connection.wait_peer_closed()
