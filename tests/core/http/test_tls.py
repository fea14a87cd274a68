"""TLS over sockets: the options for it, and what its failures are called."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
import socket
import ssl
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from turnout.errors import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    TurnoutError,
)
from turnout.provider import ProviderOptions
from turnout.testing import (
    FaultServer,
    Script,
    fin,
    respond,
    run_clean,
    send,
    until,
    wait_request,
)

from ...support.forward_proxy import ForwardProxy
from ...support.socks_server import SocksServer
from ..scripted import Lines

CERTIFICATES = Path(__file__).parent / "certificates"
GOOD = CERTIFICATES / "good.pem"
CLIENT: dict[str, Any] = {
    "client_certificate": CERTIFICATES / "client.pem",
    "client_key": CERTIFICATES / "client_key.pem",
}
REQUIRES = "requires a client certificate; set client_certificate and client_key"


def server_context(
    verify: ssl.VerifyMode = ssl.CERT_NONE,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    certificate: str = "good",
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem"
    )
    context.load_verify_locations(CERTIFICATES / "client.pem")
    context.verify_mode = verify
    context.minimum_version = context.maximum_version = version
    return context


def answering(*scripts: Script, tls: ssl.SSLContext | None = None) -> FaultServer:
    """Return a server over TLS; without a script, of one answer."""
    return FaultServer(*scripts or [respond(200, b"a\n")], tls=tls or server_context())


async def failure_at(url: str, **options: Any) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await Lines(base_url=url, **options).complete("Why?")
    return caught.value


@contextlib.contextmanager
def alerting(context: ssl.SSLContext) -> Generator[str]:
    """Serve one connection after another in a thread, with sockets that send alerts.

    An event loop's servers close a connection whose handshake failed without a word.
    """
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                # A second descriptor keeps the connection open after the alert, until
                # the request is read: else its reset may overtake the alert.
                with plain.dup() as kept, contextlib.suppress(OSError):
                    with contextlib.suppress(ssl.SSLError):
                        context.wrap_socket(plain, server_side=True).close()
                    kept.recv(65536)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


async def test_a_ca_file_is_trusted() -> None:
    async with answering() as server:
        provider = Lines(base_url=server.url, ca_file=str(GOOD))
        assert (await provider.complete("Why?")).text == "a"


def test_a_ca_file_is_trusted_beside_the_systems() -> None:
    system = ssl.create_default_context().cert_store_stats()["x509"]
    context = ProviderOptions(ca_file=GOOD).tls()

    assert context is not None
    assert context.cert_store_stats()["x509"] == system + 1


async def test_a_context_is_used() -> None:
    context = ssl.create_default_context(cafile=GOOD)
    async with answering() as server:
        provider = Lines(base_url=server.url, ssl_context=context)
        assert (await provider.complete("Why?")).text == "a"


async def test_providers_with_other_contexts_do_not_share_connections() -> None:
    async with answering(*[respond(200, b"a\n")] * 3) as server:
        different: list[dict[str, Any]] = [
            {"ca_file": GOOD},
            {"ssl_context": ssl.create_default_context(cafile=GOOD)},
            {"ca_file": GOOD, **CLIENT},
        ]
        for options in different:
            await Lines(base_url=server.url, **options).complete("Why?")
        error = await failure_at(server.url)
        assert "self-signed certificate" in str(error)
        assert len(server.connections) == 3


async def test_providers_with_the_same_files_share_connections() -> None:
    script = [*respond(200, b"a\n"), *respond(200, b"a\n")]
    async with answering(script) as server:
        for _ in range(2):
            await Lines(base_url=server.url, ca_file=GOOD).complete("Why?")
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "options",
    [CLIENT, {"client_certificate": CERTIFICATES / "client_with_key.pem"}],
    ids=["two-files", "one-file"],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_is_shown(
    options: dict[str, Any], version: ssl.TLSVersion
) -> None:
    async with answering(tls=server_context(ssl.CERT_REQUIRED, version)) as server:
        provider = Lines(base_url=server.url, ca_file=GOOD, **options)
        assert (await provider.complete("Why?")).text == "a"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("proxy", [None, "http", "socks5h"])
async def test_a_missing_certificate_is_told_if_the_server_says_nothing(
    version: ssl.TLSVersion, proxy: str | None
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        tls = server_context(ssl.CERT_REQUIRED, version)
        server = await stack.enter_async_context(answering(tls=tls))
        options: dict[str, Any] = {}
        if proxy == "http":
            http = await stack.enter_async_context(ForwardProxy())
            options["proxy"] = http.url
        elif proxy == "socks5h":
            socks = await stack.enter_async_context(SocksServer())
            options["proxy"] = socks.address("socks5h")
        error = await failure_at(server.url, ca_file=GOOD, **options)

    assert isinstance(error, ConnectError)
    assert str(error) == f"{server.url[8:]} {REQUIRES}"
    assert not error.retryable
    assert server.connections == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_missing_certificate_is_told_if_the_server_sends_an_alert(
    version: ssl.TLSVersion,
) -> None:
    with alerting(server_context(ssl.CERT_REQUIRED, version)) as url:
        error = await failure_at(url, ca_file=GOOD)

    assert isinstance(error, ConnectError)
    assert str(error).endswith(REQUIRES)
    assert not error.retryable


async def test_a_missing_certificate_is_told_after_a_connection_that_was_kept() -> None:
    tls = server_context()
    first = [*respond(200, b"a\n"), wait_request(), fin()]
    async with answering(first, tls=tls) as server:
        provider = Lines(base_url=server.url, ca_file=GOOD)
        assert (await provider.complete("Why?")).text == "a"
        tls.verify_mode = ssl.CERT_REQUIRED
        error = await failure_at(server.url, ca_file=GOOD)

    assert isinstance(error, ConnectError)
    assert str(error).endswith(REQUIRES)
    assert not error.retryable


@pytest.mark.parametrize("verify", [ssl.CERT_NONE, ssl.CERT_OPTIONAL])
async def test_a_server_that_hangs_up_for_another_reason_has_lost_the_connection(
    verify: ssl.VerifyMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server that asks for a certificate without requiring it stays connected.
    monkeypatch.setattr("turnout.http._certificate_check._SECONDS", 0.1)
    scripts = [wait_request(), fin()], [until(asyncio.Event())], [wait_request(), fin()]
    async with answering(*scripts, tls=server_context(verify)) as server:
        provider = Lines(base_url=server.url, ca_file=GOOD)
        for _ in range(2):
            with pytest.raises(ConnectionLostError) as caught:
                await provider.complete("Why?")
            assert (
                str(caught.value)
                == f"{server.url[8:]} closed the connection before it answered"
            )
        # The second failure comes too soon to look for a certificate again.
        assert len(server.connections) == 3


@pytest.mark.parametrize(
    "options",
    [CLIENT, {"ssl_context": ssl.create_default_context(cafile=GOOD)}],
    ids=["files", "context"],
)
async def test_a_server_is_not_asked_again_about_a_certificate_that_may_be_there(
    options: dict[str, Any],
) -> None:
    ca = {} if "ssl_context" in options else {"ca_file": GOOD}
    async with answering([wait_request(), fin()]) as server:
        error = await failure_at(server.url, **ca, **options)
        assert len(server.connections) == 1

    assert isinstance(error, ConnectionLostError)


async def test_a_certificate_that_the_server_refuses_is_told() -> None:
    tls = server_context(ssl.CERT_REQUIRED)
    unknown = {
        "client_certificate": CERTIFICATES / "wrong_host.pem",
        "client_key": CERTIFICATES / "key.pem",
    }
    with alerting(tls) as url:
        error = await failure_at(url, ca_file=GOOD, **unknown)

    assert isinstance(error, ConnectError)
    assert "refused the client certificate: unknown ca; check client_cert" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        ("good", "self-signed certificate; if you trust its issuer, name a file with"),
        ("expired", "certificate has expired; the server needs a new one"),
        ("wrong_host", "'127.0.0.1'; the certificate is for another host: check the"),
    ],
)
async def test_a_certificate_that_does_not_hold_comes_with_what_to_do(
    certificate: str, told: str
) -> None:
    trusted = {} if certificate == "good" else {"ca_file": f"{certificate}.pem"}
    if trusted:
        trusted = {"ca_file": str(CERTIFICATES / trusted["ca_file"])}
    async with answering(tls=server_context(certificate=certificate)) as server:
        error = await failure_at(server.url, **trusted)

    assert isinstance(error, ConnectError)
    assert told in str(error)
    assert not error.retryable


ALERT = b"\x15\x03\x03\x00\x02\x02\x46"


@pytest.mark.parametrize("cut", [1, 2, 7])
async def test_an_alert_in_place_of_an_answer_is_a_port_with_tls(cut: int) -> None:
    script = [wait_request(), send(ALERT[:cut])]
    if cut < len(ALERT):
        script.append(send(ALERT[cut:]))
    async with FaultServer([*script, fin()]) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectError)
    assert str(error) == (
        f"cannot reach {server.url[7:]}: its port speaks TLS; use https:// in place of "
        "http://"
    )
    assert not error.retryable


@pytest.mark.parametrize(
    "page",
    [
        b"<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"Bad Request\r\nThis combination of host and port requires TLS.\r\n",
    ],
)
async def test_a_page_about_tls_is_a_port_with_tls(page: bytes) -> None:
    async with FaultServer(respond(400, page)) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectError)
    assert "its port speaks TLS; use https://" in str(error)


async def test_a_port_with_tls_that_hangs_up_is_thought_of() -> None:
    async with answering() as server:
        error = await failure_at(server.url.replace("https://", "http://"))

    assert isinstance(error, ConnectionLostError)
    assert str(error).endswith("; if its port speaks TLS, use https://")


async def test_a_file_of_the_environment_is_read_when_it_is_set_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    script = [*respond(200, b"a\n"), *respond(200, b"b\n")]
    async with answering(script) as server:
        provider = Lines(base_url=server.url)
        with pytest.raises(ConnectError, match="in ca_file, or in SSL_CERT_FILE"):
            await provider.complete("Why?")
        monkeypatch.setenv("SSL_CERT_FILE", str(GOOD))
        texts = [(await provider.complete("Why?")).text for _ in range(2)]
        assert len(server.connections) == 1

    assert texts == ["a", "b"]


async def test_a_file_of_the_environment_that_is_of_no_use_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "client.pem"))
    async with answering() as server:
        for _ in range(2):
            assert "self-signed certificate" in str(await failure_at(server.url))


async def test_a_folder_of_the_environment_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with answering() as server:
        error = await failure_at(server.url)

    assert "self-signed certificate" in str(error)


async def test_a_file_of_the_environment_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    async with answering() as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConfigError)
    assert str(error) == (
        f"cannot reach {server.url[8:]} securely: SSL_CERT_FILE: '/nowhere/ca.pem' "
        "does not exist; correct it"
    )


async def test_a_file_that_was_removed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(GOOD.read_bytes())
    provider = Lines(base_url="https://127.0.0.1:1", ca_file=file)
    file.unlink()

    with pytest.raises(ConfigError, match=r"Lines: ca_file: .* does not exist"):
        await provider.complete("Why?")


async def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes((CERTIFICATES / "client.pem").read_bytes())
    async with answering() as server:
        await failure_at(server.url, ca_file=file)
        file.write_bytes(GOOD.read_bytes())
        provider = Lines(base_url=server.url, ca_file=file)
        assert (await provider.complete("Why?")).text == "a"


def test_tls_with_options_leaves_nothing() -> None:
    async def main() -> None:
        async with answering(tls=server_context(ssl.CERT_REQUIRED)) as server:
            provider = Lines(base_url=server.url, ca_file=GOOD, **CLIENT)
            assert (await provider.complete("Why?")).text == "a"
        assert str(await failure_at(url, ca_file=GOOD)).endswith(REQUIRES)

    with alerting(server_context(ssl.CERT_REQUIRED)) as url:
        run_clean(main)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_provider_with_a_context_is_copied(copied: Any) -> None:
    context = ssl.create_default_context()
    provider = Lines(ssl_context=context, extra={"a": [1]})

    made = copied(provider)

    assert made.options == provider.options
    assert made.options.ssl_context is context
    assert (made.options.extra["a"] is provider.options.extra["a"]) == (
        copied is copy.copy
    )


def test_options_with_a_context_are_copied() -> None:
    options = ProviderOptions(ssl_context=ssl.create_default_context())

    assert copy.copy(options) == copy.deepcopy(options) == options


def test_a_context_says_why_it_is_not_pickled() -> None:
    provider = Lines(ssl_context=ssl.create_default_context())

    with pytest.raises(TypeError, match="set ca_file, client_certificate and"):
        pickle.dumps(provider)


def test_files_are_pickled() -> None:
    provider = Lines(ca_file=GOOD, **CLIENT)

    made = pickle.loads(pickle.dumps(provider))

    assert made.options == provider.options
    assert made.options.tls() is provider.options.tls()
