"""The key: where it is sent, and where it is not."""

from __future__ import annotations

import pytest

from turnout.errors import AuthenticationError, TurnoutError
from turnout.testing._contract._limits import run
from turnout.testing._contract._setting import KEY, ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._requests import HttpRequest
from turnout.testing._steps import respond

__all__ = ["Keys"]

_NOT_IN = "the request was sent without the key; if the key signs it, write key_in"


class Keys(ServiceSetting):
    """A key is sent in a header, to its own address, and nowhere else."""

    def test_the_key_is_sent_in_a_header_and_nowhere_else(self) -> None:
        async def main() -> HttpRequest:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server) as provider:
                    await self.ask(provider)
            (request,) = server.http_requests
            return request

        request = run(main())

        assert KEY not in request.target
        assert KEY.encode() not in request.body
        if self.told.needs_key:
            assert self.key_in(request), _NOT_IN

    def test_the_services_list_is_asked_for_with_the_key(self) -> None:
        body, _ = self.list_given()
        listed = respond(200, body, ("Content-Type", "application/json"))

        async def main() -> HttpRequest:
            async with FaultServer(listed) as server, self.at(server) as provider:
                await provider.list_models()
            return server.http_requests[0]

        request = run(main())

        assert KEY not in request.target
        if self.told.needs_key:
            assert self.key_in(request), "the list was requested without the key"

    def test_the_key_may_come_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        variable = self.told.key_variable
        if variable is None:
            self.skip(f"{self.told.name} does not have a `key_variable`")
        monkeypatch.setenv(variable, KEY)
        no_key = dict.fromkeys(self.key_options)

        async def main() -> HttpRequest:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server, **no_key) as provider:
                    await self.ask(provider)
            (request,) = server.http_requests
            return request

        assert self.key_in(run(main())), _NOT_IN

    def test_without_the_key_that_it_needs_nobody_is_asked(self) -> None:
        if not self.told.needs_key:
            self.skip(f"{self.told.name} does not need a key (needs_key=False)")

        async def main() -> None:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.keyless_at(server) as provider:
                    with pytest.raises(AuthenticationError) as caught:
                        await self.ask(provider)
            assert server.connections == []
            assert (self.told.key_variable or "api_key") in str(caught.value)

        run(main())

    @pytest.mark.parametrize("redirect", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, redirect: int) -> None:
        async def main() -> None:
            async with FaultServer(self.whole(self.text_answer)) as other:
                elsewhere = ("Location", f"{other.url}/elsewhere")
                async with FaultServer(respond(redirect, b"", elsewhere)) as server:
                    async with self.at(server) as provider:
                        with pytest.raises(TurnoutError):
                            await self.ask(provider)

                    assert len(server.http_requests) == 1
                assert other.connections == []

        run(main())
