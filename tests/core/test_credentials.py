"""Tokens that expire: the streams of an event loop share one request for a token."""

from __future__ import annotations

import asyncio
import copy
import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from turnout import (
    AuthenticationError,
    ChatRequest,
    ConfigError,
    Event,
    Finish,
    OverloadedError,
    PermissionDeniedError,
    PluginError,
    ProviderInfo,
    ProviderOptions,
    ServerError,
)
from turnout.decoding import LineDecoder
from turnout.http import StatusRule, UnsignedRequest
from turnout.service import Call, Service, Token
from turnout.testing import (
    FaultServer,
    HttpRequest,
    Script,
    expect_close,
    http_response,
    json_lines,
    respond,
    run_clean,
    run_simulated,
    send,
    until,
    wait_request,
)
from turnout.types import Secret

if TYPE_CHECKING:
    from turnout.testing import Connection

ANSWER = json_lines({"text": "yes"})


class Lines(LineDecoder):
    """Lines of JSON; the end of the body is the answer's."""

    ends_with_body = True

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        events += [self.from_json(data)["text"] for data in datas]

    def finish(self) -> Finish:
        return Finish(reason="stop")


@dataclass(frozen=True, kw_only=True)
class TokenedOptions(ProviderOptions):
    token_url: str = "http://127.0.0.1:1"
    client_secret: Secret = field(default=Secret("canary-secret-0815"))


class Tokened(Service):
    """Requests its token from another address."""

    info = ProviderInfo(name="Tokened", models=("one",))
    options_type = TokenedOptions
    options: TokenedOptions

    async def credentials(self) -> Token:
        http = self.http_at(self.options.token_url, key="client_secret")
        secret = self.options.client_secret.prefixed("Basic ")
        headers = {"Authorization": secret}
        async with http.post("/token", data=b"a=b", headers=headers) as response:
            fields = await response.json()
        match fields:
            case {"access_token": str(token), "expires_in": int(life)}:
                return Token(Secret(token), expires_in=life)
            case {"access_token": str(token)}:
                return Token(Secret(token))
            case _:
                raise ServerError("Tokened sent no token", provider="Tokened")

    def call(self, request: ChatRequest) -> Call:
        return Call("/chat", {"say": request.last_user_text}, {"X-A": "b"}, Lines)


def token(name: str, life: int | None = None) -> Script:
    fields = {"access_token": name} | ({} if life is None else {"expires_in": life})
    return respond(200, json_lines(fields))


def sent(requests: list[HttpRequest]) -> list[str]:
    return [value for request in requests for value in request.values("Authorization")]


class Servers:
    """The service and its token endpoint."""

    def __init__(self, tokens: Sequence[Script], answers: Sequence[Script] = ()):
        self.tokens = FaultServer(*(tokens or [respond(500)]))
        self.service = FaultServer(*(answers or [respond(200, ANSWER)]))

    async def __aenter__(self) -> Servers:
        await self.tokens.__aenter__()
        await self.service.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.service.__aexit__(*error)  # type: ignore[arg-type]
        await self.tokens.__aexit__(*error)  # type: ignore[arg-type]

    def provider(self, cls: type[Tokened] = Tokened, **options: object) -> Tokened:
        given: dict[str, Any] = {
            "base_url": self.service.url,
            "token_url": self.tokens.url,
            **options,
        }
        return cls(**given)

    @property
    def used(self) -> list[str]:
        return sent(self.service.http_requests)

    @property
    def asked(self) -> int:
        return len(self.tokens.http_requests)


def test_a_token_is_sent_and_kept() -> None:
    async def main() -> None:
        async with Servers([token("t1", 3600)]) as servers, servers.provider() as one:
            replies = [await one.complete("Hi") for _ in range(3)]

        assert [reply.text for reply in replies] == ["yes"] * 3
        assert servers.used == ["Bearer t1"] * 3
        assert servers.service.http_requests[0].values("X-A") == ["b"]
        assert sent(servers.tokens.http_requests) == ["Basic canary-secret-0815"]
        assert servers.asked == 1

    run_clean(main)


def test_many_streams_at_once_share_one_request_for_a_token() -> None:
    async def main() -> None:
        async with Servers([token("t1")]) as servers, servers.provider() as one:
            await asyncio.gather(*(one.complete("Hi") for _ in range(20)))

        assert servers.used == ["Bearer t1"] * 20
        assert servers.asked == 1

    run_clean(main)


def test_each_event_loop_has_a_token_of_its_own() -> None:
    used: list[str] = []
    providers: list[Tokened] = []

    async def main() -> None:
        tokens = [token(f"t{len(used)}")]
        async with Servers(tokens) as servers:
            if not providers:
                providers.append(servers.provider())
            one = providers[0]
            object.__setattr__(one.options, "base_url", servers.service.url)
            object.__setattr__(one.options, "token_url", servers.tokens.url)
            one._http = None  # pyright: ignore[reportPrivateUsage]
            async with one:
                await one.complete("Hi")
        used.extend(servers.used)

    run_clean(main)
    run_clean(main)

    assert used == ["Bearer t0", "Bearer t1"]


@pytest.mark.parametrize(("life", "kept"), [(3600, 3290), (60, 53)])
def test_a_token_is_renewed_before_it_expires(life: int, kept: int) -> None:
    async def main() -> None:
        tokens = [token("t1", life), token("t2", life)]
        async with Servers(tokens) as servers, servers.provider() as one:
            await one.complete("Hi")
            await asyncio.sleep(kept)
            await one.complete("Hi")
            await asyncio.sleep(life - kept - 0.5)
            await one.complete("Hi")

        assert servers.used == ["Bearer t1", "Bearer t1", "Bearer t2"]

    run_simulated(main())


def test_a_token_that_is_still_valid_is_used_if_the_request_fails() -> None:
    async def main() -> None:
        tokens = [token("t1", 3600), respond(503), token("t3", 3600)]
        async with Servers(tokens) as servers, servers.provider() as one:
            await one.complete("Hi")
            await asyncio.sleep(3500)
            await one.complete("Hi")
            await one.complete("Hi")

        assert servers.used == ["Bearer t1", "Bearer t1", "Bearer t3"]

    run_simulated(main())


def test_an_expired_token_is_not_used_if_the_request_fails() -> None:
    async def main() -> None:
        tokens = [token("t1", 3600), respond(503)]
        async with Servers(tokens) as servers, servers.provider() as one:
            await one.complete("Hi")
            await asyncio.sleep(3601)
            with pytest.raises(OverloadedError):
                await one.complete("Hi")

        assert servers.used == ["Bearer t1"]

    run_simulated(main())


@pytest.mark.parametrize("status", [401, 418])
def test_a_refused_token_is_replaced_once(status: int) -> None:
    class Odd(Tokened):
        status_rules = (StatusRule(error=AuthenticationError, statuses={418}),)

    async def main() -> None:
        answers = [respond(status), respond(200, ANSWER)]
        async with Servers([token("t1"), token("t2")], answers) as servers:
            async with servers.provider(Odd) as one:
                reply = await one.complete("Hi")
                await one.complete("Hi")

        assert reply.text == "yes"
        assert len(reply.attempts) == 1
        assert servers.used == ["Bearer t1", "Bearer t2", "Bearer t2"]

    run_clean(main)


def test_a_second_refusal_is_an_error() -> None:
    async def main() -> None:
        answers = [respond(401), respond(401), respond(200, ANSWER)]
        tokens = [token("t1"), token("t2")]
        async with Servers(tokens, answers) as servers, servers.provider() as one:
            with pytest.raises(AuthenticationError) as caught:
                await one.complete("Hi")
            assert caught.value.__context__ is None
            assert (await one.complete("Hi")).text == "yes"

        assert servers.used == ["Bearer t1", "Bearer t2", "Bearer t2"]

    run_clean(main)


def test_another_refusal_does_not_replace_a_token() -> None:
    async def main() -> None:
        answers = [respond(403), respond(503)]
        async with Servers([token("t1")], answers) as servers:
            async with servers.provider() as one:
                for _ in answers:
                    with pytest.raises(Exception, match="status"):
                        await one.complete("Hi")

        assert servers.used == ["Bearer t1"] * 2
        assert servers.asked == 1

    run_clean(main)


def test_many_streams_whose_token_is_refused_share_one_new_one() -> None:
    async def main() -> None:
        both = asyncio.Barrier(2)

        async def refuse(connection: Connection) -> None:
            await connection.read_request()
            async with asyncio.timeout(20):
                await both.wait()  # Both requests were sent with the same token.
            await connection.send(http_response(401))

        answers: list[Script] = [refuse, refuse, respond(200, ANSWER)]
        tokens = [token("t1"), token("t2"), token("t3")]
        async with Servers(tokens, answers) as servers, servers.provider() as one:
            await asyncio.gather(one.complete("Hi"), one.complete("Hi"))

        assert servers.used == ["Bearer t1"] * 2 + ["Bearer t2"] * 2
        assert servers.asked == 2

    run_clean(main)


def test_one_that_is_cancelled_leaves_the_request_to_the_others() -> None:
    async def main() -> None:
        go_on = asyncio.Event()
        slow = [wait_request(), until(go_on), send(_http(b'{"access_token": "t1"}'))]
        async with Servers([slow]) as servers, servers.provider() as one:
            first, second = (asyncio.create_task(one.complete("Hi")) for _ in range(2))
            await servers.tokens.wait_for(lambda: bool(servers.tokens.http_requests))
            first.cancel()
            await asyncio.wait({first})
            go_on.set()
            reply = await second

        assert first.cancelled()
        assert reply.text == "yes"
        assert servers.asked == 1

    run_clean(main)


def test_the_last_one_that_is_cancelled_cancels_the_request() -> None:
    async def main() -> None:
        silent = [wait_request(), expect_close(20.0)]
        async with Servers([silent, token("t2")]) as servers:
            async with servers.provider() as one:
                tasks = {asyncio.create_task(one.complete("Hi")) for _ in range(2)}
                await servers.tokens.wait_for(lambda: bool(servers.asked))
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                assert (await one.complete("Hi")).text == "yes"

        assert servers.asked == 2
        assert servers.used == ["Bearer t2"]

    run_clean(main)


def test_all_that_wait_get_the_error_and_the_next_one_sends_a_request() -> None:
    said = json_lines({"error": "invalid_client", "error_description": "no such app"})

    async def main() -> None:
        tokens = [respond(400, said), token("t2")]
        async with Servers(tokens) as servers, servers.provider() as one:
            errors = await asyncio.gather(
                *(one.complete("Hi") for _ in range(3)), return_exceptions=True
            )
            assert servers.asked == 1
            assert (await one.complete("Hi")).text == "yes"

        assert len({id(error) for error in errors}) == 3
        for error in errors:
            assert type(error) is AuthenticationError
            assert str(error) == (
                "Tokened refused the key, or got none; check client_secret (status "
                "400): "
                "no such app; this was the request for a token"
            )
            assert error.reply is not None
        assert servers.used == ["Bearer t2"]

    run_clean(main)


def test_an_answer_without_a_token_is_an_error() -> None:
    async def main() -> None:
        async with Servers([respond(200, b"{}")]) as servers, servers.provider() as one:
            with pytest.raises(ServerError, match="no token; this was the request for"):
                await one.complete("Hi")

    run_clean(main)


def test_an_error_before_any_request_is_raised_unchanged() -> None:
    class Unset(Tokened):
        async def credentials(self) -> Token:
            try:
                raise LookupError("no file")
            except LookupError as error:
                raise ConfigError("set client_secret") from error

    async def main() -> None:
        async with Servers([]) as servers, servers.provider(Unset) as one:
            with pytest.raises(ConfigError, match=r"^set client_secret$") as caught:
                await one.complete("Hi")
        assert isinstance(caught.value.__cause__, LookupError)
        assert servers.service.connections == []

    run_clean(main)


@pytest.mark.parametrize("raised", [ZeroDivisionError, asyncio.CancelledError])
def test_an_error_of_the_plugin_names_it(
    raised: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(Tokened):
        async def credentials(self) -> Token:
            raise raised

    async def main() -> None:
        async with Servers([]) as servers, servers.provider(Wrong) as one:
            wanted = PluginError if raised is ZeroDivisionError else AuthenticationError
            with pytest.raises(wanted, match="Tokened"):
                await one.complete("Hi")

    run_clean(main)

    assert ("test_credentials.py" in caplog.text) is (raised is ZeroDivisionError)


@pytest.mark.parametrize("value", ["", "t\n", " t", "a\u200bb", "a\r\nX: y"])
def test_a_token_that_cannot_be_sent_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="pass only the token"):
        Token(Secret(value))


def test_a_lifetime_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="expires_in='3599' is not a number"):
        Token(Secret("t1"), expires_in="3599")  # type: ignore[arg-type]


def test_what_is_not_a_token_is_the_plugins_fault() -> None:
    class Plain(Tokened):
        async def credentials(self) -> Token:
            return "t1"  # type: ignore[return-value]

    async def main() -> None:
        async with Servers([]) as servers, servers.provider(Plain) as one:
            with pytest.raises(PluginError, match=r"^credentials of Tokened returned"):
                await one.complete("Hi")
        assert servers.used == []

    run_clean(main)


def test_a_request_for_a_token_that_needs_one_is_the_plugins_fault() -> None:
    class Circular(Tokened):
        async def credentials(self) -> Token:
            return Token(Secret(str(await self.fetch("/token"))))

    async def main() -> None:
        async with Servers([]) as servers, servers.provider(Circular) as one:
            with pytest.raises(PluginError, match="needs a token; use http_at"):
                await one.complete("Hi")
        assert servers.service.connections == []

    run_clean(main)


def test_no_token_is_requested_if_the_user_sets_a_header() -> None:
    async def main() -> None:
        async with Servers([]) as servers:
            headers = {"Authorization": "Bearer own"}
            async with servers.provider(headers=headers) as one:
                await one.complete("Hi")

        assert servers.used == ["Bearer own"]
        assert servers.tokens.connections == []

    run_clean(main)


def test_the_key_may_be_the_token() -> None:
    class Keyed(Tokened):
        async def credentials(self) -> Token:
            return await super(Tokened, self).credentials()

    async def main() -> None:
        async with Servers([]) as servers:
            async with servers.provider(Keyed, api_key="k1") as one:
                await one.complete("Hi")
        assert servers.used == ["Bearer k1"]

    run_clean(main)


def test_a_list_of_models_is_requested_with_the_token() -> None:
    async def main() -> None:
        answers = [respond(401), respond(200, b'["one"]')]
        tokens = [token("t1"), token("t2")]
        async with Servers(tokens, answers) as servers, servers.provider() as one:
            assert await one.fetch("/models") == ["one"]

        assert servers.used == ["Bearer t1", "Bearer t2"]
        assert {request.method for request in servers.service.http_requests} == {"GET"}

    run_clean(main)


def test_a_token_and_the_request_may_be_signed() -> None:
    class Signing(Tokened):
        def sign(
            self, request: UnsignedRequest, token: Token | None
        ) -> Mapping[str, str | Secret]:
            assert token is not None
            signature = f"{token.value.reveal()} {len(request.body)}"
            return {"X-Signature": Secret(signature)}

    async def main() -> None:
        answers = [respond(401), respond(200, ANSWER)]
        tokens = [token("t1"), token("t2")]
        async with Servers(tokens, answers) as servers:
            async with servers.provider(Signing) as one:
                await one.complete("Hi")

        requests = servers.service.http_requests
        assert [request.values("X-Signature") for request in requests] == [
            [f"t{number} {len(request.body)}"]
            for number, request in enumerate(requests, 1)
        ]
        assert servers.used == []

    run_clean(main)


def test_no_error_shows_the_token_or_the_clients_secret() -> None:
    shown = b'{"error": {"message": "no: canary-secret-0815 canary-token-0815"}}'

    async def main() -> None:
        refusing = [respond(403, shown), token("canary-token-0815")]
        async with Servers(refusing, [respond(403, shown)]) as servers:
            async with servers.provider() as one:
                messages: list[str] = []
                for _ in range(2):
                    with pytest.raises(PermissionDeniedError) as caught:
                        await one.complete("Hi")
                    messages.append(str(caught.value))

        # At the first request no token is known yet.
        assert "no: *** canary-token-0815; this was" in messages[0]
        assert messages[1].endswith("no: *** ***")

    run_clean(main)


def test_another_address_has_the_same_proxy_and_none_of_the_users_headers() -> None:
    headers = {"Authorization": "canary"}
    one = Tokened(proxy="http://proxy:3128", headers=headers, idle_timeout=7.0)

    http = one.http_at("https://login.example", key="client_secret")

    assert (http.proxy, http.idle_timeout) == (Secret("http://proxy:3128"), 7.0)
    assert (http.headers, http.base_url) == ({}, "https://login.example")
    assert Secret("canary-secret-0815") in http.secrets


def test_a_copy_has_no_token() -> None:
    async def main() -> None:
        async with Servers([token("t1"), token("t2")]) as servers:
            async with servers.provider() as one:
                await one.complete("Hi")
                async with copy.copy(one) as other:
                    await other.complete("Hi")
        assert servers.used == ["Bearer t1", "Bearer t2"]

    run_clean(main)


def test_a_loop_that_is_closed_by_hand_leaves_nothing() -> None:
    class Slow(Tokened):
        async def credentials(self) -> Token:
            if len(asked) < 2:
                asked.append(1)
                return Token(Secret("t1"))
            raise AssertionError  # pragma: no cover

    asked: list[int] = []
    one = Slow(base_url="http://127.0.0.1:1")
    for _ in range(2):
        loop = asyncio.new_event_loop()
        with pytest.raises(Exception, match="cannot reach"):
            loop.run_until_complete(one.complete("Hi"))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        del loop
        gc.collect()

    tokens = one._tokens  # pyright: ignore[reportPrivateUsage]
    assert tokens is not None
    assert len(tokens._loops) <= 1  # pyright: ignore[reportPrivateUsage]


def _http(body: bytes) -> bytes:
    return http_response(200, body)
