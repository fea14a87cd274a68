"""What `turnout doctor` finds."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Generator

import pytest

from tests.core.site import OWN_NAMES
from turnout.cli import _reach
from turnout.cli._reach import reach, reason_of
from turnout.provider import ProviderOptions
from turnout.types import Secret

from .conftest import CommandLine


@pytest.fixture
def listening() -> Generator[str]:
    """Give the authority of a host that connections can be made to."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> Generator[str]:
    """Give the authority of a host that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def findings(output: str) -> dict[str, tuple[str, str]]:
    """Return the level and text of each finding, by its subject."""
    rows = (line.split(None, 1) for line in output.splitlines())
    return {
        subject.strip(): (level, text.strip())
        for level, rest in rows
        for subject, _, text in [rest.partition("  ")]
    }


def test_all_is_well(inside: CommandLine, listening: str) -> None:
    path = inside.configure(
        'order = ["Echo"]\n[plugins]\nallow = ["Scripted"]\n'
        '[aliases]\nfast = "Echo"\n[routes.mine]\ntargets = ["Echo"]\n'
        f'[providers.Keyed]\nbase_url = "http://{listening}"\n'
    )
    inside.environment["KEYED_KEY"] = "sesame"

    done = inside("doctor")

    assert (done.returncode, done.stderr) == (0, "")
    found = findings(done.stdout)
    assert found["turnout"][0] == "ok"
    assert found["configuration"] == ("ok", f"{path} is used")
    assert found["plugins"] == ("ok", "Scripted")
    assert found["Keyed"] == (
        "ok",
        f"its key is in KEYED_KEY; {listening} can be reached",
    )
    assert found["Echo"] == (
        "ok",
        "it needs no key; it was not tried, as it has no base_url",
    )
    assert found["Engine"][1].startswith("in this process; it answered in 0.")
    assert found["Bare"] == ("warning", "the engine is not here; type `fetch it`")
    assert found["Strict"] == ("warning", "Strict rejected the request: [2Jno never")
    assert "sesame" not in done.stdout


def test_no_configuration_is_well(inside: CommandLine) -> None:
    inside.environment["TURNOUT_DISABLE_PLUGINS"] = "1"

    done = inside("doctor", "--offline")

    found = findings(done.stdout)
    level, text = found["configuration"]
    assert level == "ok"
    assert text.startswith("there is none, and none is needed; yours would be ")
    assert text.endswith("turnout.toml")
    assert found["FlowGpt"] == ("warning", "its plugin says that it does not work")


def test_whatever_is_wrong_is_told_with_what_to_do(
    inside: CommandLine, refusing: str
) -> None:
    path = inside.configure(
        'order = ["Ehco", "Nope"]\n[plugins]\nallow = ["Scripted", "Missing"]\n'
        '[aliases]\nfast = "ehco"\n[routes.mine]\ntargets = ["Torn:no"]\n'
        '[providers.Absent]\napi_key = "sesame"\n'
        '[providers.Echo]\nbase_uri = "x"\n'
        f'[providers.Torn]\nbase_url = "http://{refusing}"\n'
    )
    path.chmod(0o644)
    inside.install("Scripted", "Missing")

    done = inside("doctor")

    assert done.returncode == 0
    found = findings(done.stdout)
    assert found["keys"] == (
        "warning",
        f"others can read the keys in {path}; type `chmod 600 {path}`",
    )
    assert found["providers.Absent"] == (
        "warning",
        "there is no provider 'Absent'; install its plugin, or correct the name",
    )
    assert "there is no provider 'Nope'; correct the name\n" in done.stdout
    assert (
        "there is no provider 'Ehco'; correct the name; did you mean 'Echo'?\n"
    ) in done.stdout
    assert "unknown model 'ehco'; 'fast' names it; " in found["aliases.fast"][1]
    assert "provider 'Torn' has no model" in found["routes.mine"][1]
    assert found["plugin Missing"][1].endswith("; update or remove turnout-scripted")
    assert "'base_uri'" in found["Echo"][1]
    assert found["Keyed"] == ("warning", "it needs a key; set KEYED_KEY")
    assert found["Torn"] == (
        "warning",
        f"it needs no key; cannot reach {refusing}: Connection refused; look at the "
        "network",
    )
    assert "sesame" not in done.stdout


def test_a_key_in_the_configuration_is_told_by_its_place(inside: CommandLine) -> None:
    path = inside.configure(
        '[plugins]\nallow = ["Scripted"]\n[providers.Keyed]\napi_key = "sesame"\n'
    )
    path.chmod(0o600)

    done = inside("doctor", "--offline")

    assert findings(done.stdout)["Keyed"] == ("ok", f"its key is in {path}")


def test_no_provider_that_can_be_asked_is_an_error(inside: CommandLine) -> None:
    inside.configure("[plugins]\nallow = []\n")

    done = inside("doctor")

    assert done.returncode == 1
    level, text = findings(done.stdout)["summary"]
    assert level == "error"
    assert text == (
        "nothing can be asked; fix one of the above, or install a provider's plugin"
    )


def test_a_broken_configuration_is_an_error(inside: CommandLine) -> None:
    path = inside.configure("ordre = 3\n")

    done = inside("doctor", "--offline")

    assert done.returncode == 1
    found = findings(done.stdout)
    level, text = found["configuration"]
    assert level == "error"
    assert text == (
        f"{path}: there is no 'ordre'; did you mean 'order'? Fix it, nothing works "
        "until then"
    )
    assert found["plugins"] == ("ok", ", ".join(OWN_NAMES))


async def test_a_proxy_is_what_is_reached(
    listening: str, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{refusing}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    own = ProviderOptions(proxy=Secret(f"http://me:sesame@{listening}"))

    by_option = await reach("https://service.example/v1", own)
    by_variable = await reach("https://service.example/v1", ProviderOptions())

    assert by_option == (True, f"the proxy {listening} can be reached")
    assert by_variable == (
        False,
        f"cannot reach the proxy {refusing} of HTTPS_PROXY: Connection refused; look "
        "at the proxy's address",
    )


async def test_a_host_that_says_nothing_is_given_up(
    listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_reach, "_TIMEOUT", 0.05)

    reached = await reach(f"https://{listening}", ProviderOptions())

    assert reached.text.startswith(
        f"cannot reach {listening}: no connection within 0.05 s"
    )


async def test_a_host_without_tls_is_told() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reached = await reach(f"https://127.0.0.1:{port}", ProviderOptions())

    assert not reached.good
    assert "TLS failed, " in reached.text


async def test_an_address_with_a_wrong_port_is_told() -> None:
    reached = await reach("http://127.0.0.1:99999", ProviderOptions())

    assert not reached.good
    assert "'http://127.0.0.1:99999' cannot be asked" in reached.text


def certificate_error() -> OSError:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(
            socket.gaierror(socket.EAI_NONAME, "x"), "its name is not known", id="name"
        ),
        pytest.param(certificate_error(), "self-signed certificate", id="certificate"),
        pytest.param(OSError("Multiple exceptions: x"), "Multiple exceptions: x"),
        pytest.param(TimeoutError(110, "x"), os.strerror(110), id="the system's time"),
    ],
)
def test_why_a_host_was_not_reached_is_told(error: OSError, reason: str) -> None:
    assert reason_of(error) == reason
