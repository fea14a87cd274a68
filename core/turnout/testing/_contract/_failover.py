"""Failover: one provider begins an answer, and another one continues it."""

from __future__ import annotations

from turnout._face import fallback
from turnout.errors import StreamTruncatedError
from turnout.testing._contract._asking import holds
from turnout.testing._contract._limits import run_clean
from turnout.testing._contract._setting import QUESTION, ServiceSetting
from turnout.testing._fake_provider import FakeProvider
from turnout.testing._fault_server import FaultServer
from turnout.testing._steps import Step, respond

__all__ = ["Failover"]


class Failover(ServiceSetting):
    """No text is lost at the join, and no text comes twice."""

    def test_another_goes_on_with_its_answer(self, ending: Step) -> None:
        async def main() -> None:
            rest = self.text_answer.text.removeprefix(self.beginning)
            other = FakeProvider(rest, name="Other")
            async with FaultServer(self.begun(ending)) as server:
                async with self.at(server) as provider:
                    route = fallback(provider.target(self.model), other)
                    stream = route.stream(QUESTION, **self.asked_of_a_route())
                    text = "".join([text async for text in stream])

            outcomes = [attempt.outcome for attempt in stream.reply.attempts]
            assert text == self.text_answer.text
            assert outcomes == ["failed", "complete"]

        run_clean(main)

    def test_it_is_given_what_another_said_and_goes_on(self) -> None:
        self.needs("history")

        async def main() -> None:
            broken = FakeProvider(self.beginning, StreamTruncatedError("cut"))
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server) as provider:
                    route = fallback(broken, provider.target(self.model))
                    stream = route.stream(QUESTION, **self.asked_of_a_route())
                    text = "".join([text async for text in stream])

            (request,) = server.http_requests
            # It starts the answer again, and the repeated text is dropped.
            assert text == self.text_answer.text
            assert holds(request.json(), self.beginning.rstrip())

        run_clean(main)

    def test_another_is_asked_where_it_refuses(self) -> None:
        async def main() -> None:
            other = FakeProvider("Something else.", name="Other")
            async with FaultServer(respond(503)) as server:
                async with self.at(server) as provider:
                    route = fallback(provider.target(self.model), other)
                    reply = await route.complete(QUESTION, **self.asked_of_a_route())

            assert reply.text == "Something else."
            assert reply.attempts[0].outcome == "failed"

        run_clean(main)
