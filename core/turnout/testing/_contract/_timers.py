"""Slow and silent services: every wait ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from turnout.errors import (
    DeadlineError,
    FirstDeltaTimeoutError,
    StreamStalledError,
    TurnoutError,
)
from turnout.testing._contract._limits import run_simulated
from turnout.testing._contract._setting import ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._steps import Step, chunk, forever, sleep, wait_request

__all__ = ["Timers"]

_LIMIT = 20.0
"""Simulated seconds of the timer that has to fire."""

_SLACK = 2.0


class Timers(ServiceSetting):
    """Each timer fires on time, and closes the connection."""

    def test_silence_in_place_of_an_answer_ends(self) -> None:
        script = [wait_request(), sleep(3600)]

        error = self._given_up(script, first_delta_timeout=_LIMIT)

        assert isinstance(error, FirstDeltaTimeoutError)

    def test_an_answer_that_says_nothing_ends(self) -> None:
        script = self.streaming(self._filling())

        error = self._given_up(script, first_delta_timeout=_LIMIT)

        assert isinstance(error, FirstDeltaTimeoutError)

    def test_an_answer_without_further_bytes_ends(self) -> None:
        error = self._given_up(self.begun(sleep(3600)), idle_timeout=_LIMIT)

        assert isinstance(error, StreamStalledError)
        assert error.reply is not None
        assert error.reply.text == self.beginning

    def test_an_answer_without_further_text_ends(self) -> None:
        error = self._given_up(self.begun(self._filling()), stall_timeout=_LIMIT)

        assert isinstance(error, StreamStalledError)
        assert error.reply is not None
        assert error.reply.text == self.beginning

    def test_an_answer_that_takes_too_long_ends(self) -> None:
        error = self._given_up(self.begun(self._filling()), deadline=_LIMIT)

        assert isinstance(error, DeadlineError)
        assert error.reply is not None
        assert error.reply.text == self.beginning

    def test_an_answer_that_has_ended_is_not_waited_for(self) -> None:
        answer = self.text_answer
        if not answer.end:
            self.skip("the answer has no `end`: the end of its body is its own")

        async def main() -> None:
            script = self.streaming(chunk(answer.body), sleep(3600))
            async with FaultServer(script) as server, self.at(server) as provider:
                async with asyncio.timeout(_LIMIT):
                    reply = await self.ask(provider)
            assert reply.text == answer.text

        run_simulated(main())

    def _filling(self) -> Step:
        return forever(sleep(1), chunk(self.filler))

    def _given_up(self, script: list[Step], **timer: Any) -> TurnoutError:
        """Return the error of a request whose only short timer fires on time."""
        long = dict.fromkeys(
            ("first_delta_timeout", "idle_timeout", "stall_timeout", "deadline"), 600.0
        )

        async def main() -> TurnoutError:
            loop = asyncio.get_running_loop()
            async with FaultServer(script) as server:
                async with self.at(server, **{**long, **timer}) as provider:
                    begun = loop.time()
                    with pytest.raises(TurnoutError) as caught:
                        await self.ask(provider)
                    assert _LIMIT <= loop.time() - begun < _LIMIT + _SLACK
                    await server.connections[0].wait_peer_closed()
            return caught.value

        return run_simulated(main())
