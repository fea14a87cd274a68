"""What `turnout doctor` finds."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.core.site import OWN_NAMES
from turnout.cli import _check, _reach
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
    assert found["conversations"][1].startswith("0 kept in ")
    assert found["Keyed"] == (
        "ok",
        f"its key is in KEYED_KEY; {listening} can be reached; the key was not checked",
    )
    assert found["Echo"] == ("ok", "it needs no key; it listed 2 models")
    assert found["Torn"] == (
        "ok",
        "it needs no key; it was not tried, as it has no base_url",
    )
    assert found["Endless"] == (
        "warning",
        "it needs no key; provider 'Endless' raised RuntimeError while it listed its "
        "models; that is a fault of its plugin",
    )
    levels = [line.split()[0] for line in done.stdout.splitlines()[:-1]]
    assert levels == sorted(levels, reverse=True)  # Warnings, then what is well.
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
    assert found["plugins"] == ("ok", f"{len(OWN_NAMES)} of turnout's own")
    rest = [line for line in done.stdout.splitlines() if "not configured" in line]
    assert [line.split("  ")[-1].partition(":")[0] for line in rest] == [
        "30 services without a key",
        "1 that does not work, according to its plugin",
        "6 servers on this machine, which were not tried",
    ]
    assert rest[0].startswith("-  ")
    assert rest[0].endswith("; set e.g. OPENAI_API_KEY")
    assert ", OpenAI, " in rest[0]
    # Nothing that is not configured is a warning.
    assert "warning" not in done.stdout


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
    assert text == "nothing can be asked; install or allow a provider's plugin"


def test_a_broken_configuration_is_an_error(inside: CommandLine) -> None:
    path = inside.configure("ordre = 3\n")

    done = inside("doctor", "--offline")

    assert done.returncode == 1
    found = findings(done.stdout)
    level, text = found["configuration"]
    assert level == "error"
    assert text == (
        f"{path}: unknown option 'ordre'; did you mean 'order'? Fix it, nothing works "
        "until then"
    )
    assert found["plugins"] == ("ok", f"{len(OWN_NAMES)} of turnout's own")
    assert done.stdout.startswith("error  ")


def last_finding(output: str) -> tuple[str, str]:
    """Return the level and text of the summary, which is the last finding."""
    (found,) = findings(output.splitlines()[-1]).items()
    assert found[0] == "summary"
    return found[1]


def test_the_summary_names_the_variable_and_the_command(inside: CommandLine) -> None:
    inside.configure('[plugins]\nallow = ["OpenAI", "Groq"]\n')
    neither = last_finding(inside("doctor", "--offline").stdout)
    inside.configure('order = ["Groq"]\n[plugins]\nallow = ["OpenAI", "Groq"]\n')
    ordered = last_finding(inside("doctor", "--offline").stdout)
    inside.configure('[plugins]\nallow = ["Scripted"]\n[providers.Keyed]\n').chmod(
        0o600
    )
    engine = last_finding(inside("doctor", "--offline").stdout)

    assert neither == ("error", "nothing can be asked; set OPENAI_API_KEY")
    assert ordered == ("error", "nothing can be asked; set GROQ_API_KEY")
    assert engine[0] == "warning"
    assert "; type `fetch it`; " in engine[1]
    assert "; set KEYED_KEY" in engine[1]


def test_the_summary_says_so_if_nothing_is_wrong(inside: CommandLine) -> None:
    inside.configure('[plugins]\nallow = ["Groq"]\n')
    inside.environment["GROQ_API_KEY"] = "sesame"

    done = inside("doctor", "--offline")

    assert last_finding(done.stdout) == (
        "ok",
        "1 provider can be asked; nothing is wrong",
    )


def test_the_summary_is_short(inside: CommandLine) -> None:
    names = ", ".join(f'"Nope{i}"' for i in range(3))
    path = inside.configure(
        f'order = [{names}]\n[plugins]\nallow = ["Groq"]\n[aliases]\na = "b1"\n'
        'c = "d1"\ne = "f1"\n[providers.Absent]\napi_key = "sesame"\n'
    )
    path.chmod(0o600)
    inside.environment["GROQ_API_KEY"] = "sesame"

    done = inside("doctor", "--offline")

    assert last_finding(done.stdout) == (
        "warning",
        "1 provider can be asked; see providers.Absent above; see order above; see "
        "aliases.a above; see aliases.c above; 1 more above",
    )


def test_nothing_can_be_asked_while_the_configuration_is_broken(
    inside: CommandLine,
) -> None:
    inside.environment["GROQ_API_KEY"] = "sesame"
    inside.configure("ordre = 3\n")

    done = inside("doctor", "--offline")

    assert done.returncode == 1
    assert last_finding(done.stdout) == (
        "error",
        "nothing can be asked; correct the configuration",
    )


def test_the_summary_names_the_provider_that_lacks_api_key(
    inside: CommandLine,
) -> None:
    inside.configure(
        '[plugins]\nallow = ["AzureOpenAI"]\n[providers.mine]\n'
        'plugin = "AzureOpenAI"\nbase_url = "http://127.0.0.1:9"\n'
    )

    done = inside("doctor", "--offline")

    assert last_finding(done.stdout) == (
        "error",
        "nothing can be asked; set api_key of mine in turnout.toml",
    )


@pytest.mark.parametrize("plugin", ["OpenAI", "Keyed"])
def test_a_provider_is_not_missing_a_key_that_another_instance_of_it_has(
    inside: CommandLine, plugin: str
) -> None:
    path = inside.configure(
        '[plugins]\nallow = ["OpenAI", "Scripted", "Groq"]\n'
        f'[providers.mine]\nplugin = "{plugin}"\nbase_url = "http://127.0.0.1:9"\n'
        'api_key = "sesame"\n[aliases]\nfast = "gpt-4o"\n'
        '[routes.r]\ntargets = ["gpt-4o"]\n'
    )
    path.chmod(0o600)

    found = findings(inside("doctor", "--offline").stdout)

    assert found["mine"] == ("ok", f"its key is in {path}")
    assert plugin not in found  # It is listed with the services without a key.
    assert found["not configured"][1].endswith("; set e.g. GROQ_API_KEY")


class Service:
    """An HTTP server that gives each request the same answer."""

    def __init__(self) -> None:
        self.status, self.body = 200, '{"data": [{"id": "a"}, {"id": "b"}]}'
        self.keys: list[str | None] = []
        self.silent = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.keys.append(self.headers["Authorization"])
                if not service.status:
                    service.silent.wait(10)
                    return
                data = service.body.encode()
                self.send_response(service.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def service() -> Generator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, args=(0.05,))
    thread.start()
    yield service
    service.silent.set()
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def with_key(inside: CommandLine, service: Service) -> CommandLine:
    """Run `turnout` with OpenAI alone, which is the service and has a key."""
    inside.environment["OPENAI_API_KEY"] = "correct-horse-battery"
    inside.configure(
        f'[plugins]\nallow = ["OpenAI"]\n[providers.OpenAI]\nbase_url = "{service.url}"'
    )
    return inside


def test_a_key_is_checked_by_the_list_of_models(
    with_key: CommandLine, service: Service
) -> None:
    done = with_key("doctor")
    service.body = '{"data": [{"id": "a"}]}'
    one = with_key("doctor")

    assert done.returncode == 0
    assert findings(done.stdout)["OpenAI"] == (
        "ok",
        "its key is in OPENAI_API_KEY; it listed 2 models with the key",
    )
    assert findings(one.stdout)["OpenAI"][1].endswith("it listed 1 model with the key")
    assert service.keys == ["Bearer correct-horse-battery"] * 2


def test_offline_sends_nothing(with_key: CommandLine, service: Service) -> None:
    done = with_key("doctor", "--offline")

    assert findings(done.stdout)["OpenAI"] == ("ok", "its key is in OPENAI_API_KEY")
    assert service.keys == []


def test_a_wrong_key_is_not_well_and_not_shown(
    with_key: CommandLine, service: Service
) -> None:
    service.status = 401
    service.body = '{"error": {"message": "Incorrect key: correct-horse-battery"}}'

    done = with_key("doctor")

    assert done.returncode == 1
    assert done.stdout.endswith(
        "error    summary        nothing can be asked; correct the key of OpenAI in "
        "OPENAI_API_KEY\n"
    )
    level, text = findings(done.stdout)["OpenAI"]
    assert level == "warning"
    assert "; the service refused" not in text
    assert text.endswith("Incorrect key: ***")
    assert "horse" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("status", "level", "text"),
    [
        pytest.param(403, "warning", "it may not list the models: ", id="restricted"),
        pytest.param(404, "ok", "it has no list of models; the key was", id="no list"),
        pytest.param(500, "warning", "its models cannot be listed: ", id="broken"),
        pytest.param(429, "warning", "its models cannot be listed: ", id="limited"),
    ],
)
def test_a_list_that_does_not_come_says_little_of_the_key(
    status: int, level: str, text: str, with_key: CommandLine, service: Service
) -> None:
    service.status, service.body = status, '{"error": {"message": "no"}}'

    done = with_key("doctor")

    assert done.returncode == 0
    found = findings(done.stdout)["OpenAI"]
    assert found[0] == level
    assert found[1].startswith(f"its key is in OPENAI_API_KEY; {text}")


def test_a_service_without_a_key_that_wants_one_is_reported(
    inside: CommandLine, service: Service
) -> None:
    inside.configure(
        f'[plugins]\nallow = ["vLLM"]\n[providers.vLLM]\nbase_url = "{service.url}"'
    )
    service.status, service.body = 401, '{"error": {"message": "no"}}'

    done = inside("doctor")

    text = findings(done.stdout)["vLLM"][1]
    assert text.count("api_key") == 1
    assert text.endswith(": no")  # The service's message; no second advice follows.
    assert findings(done.stdout)["summary"] == (
        "error",
        "nothing can be asked; set VLLM_API_KEY",
    )


def test_a_list_that_takes_too_long_is_given_up(
    with_key: CommandLine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_check, "_LISTING", 0.05)
    service.status = 0

    done = with_key("doctor")

    assert findings(done.stdout)["OpenAI"] == (
        "warning",
        "its key is in OPENAI_API_KEY; no list of models came within 0.05 s; look at "
        "the network",
    )


def test_servers_on_this_machine_are_one_line_unless_they_run(
    inside: CommandLine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside.configure(
        '[plugins]\nallow = ["LMStudio", "vLLM", "Ollama"]\n[providers.mine]\n'
        f'plugin = "vLLM"\nbase_url = "{service.url}"\n'
        '[routes.r]\ntargets = ["Ollama:x"]\n'
    )

    done = inside("doctor")

    found = findings(done.stdout)
    assert found["mine"] == ("ok", "it needs no key; it listed 2 models")
    assert found["not configured"] == (
        "-",
        "2 servers on this machine that do not run: LMStudio, vLLM",
    )
    # The configuration names it.
    assert found["Ollama"][0] == "warning"


def test_a_server_on_this_machine_that_runs_is_listed(
    inside: CommandLine, service: Service
) -> None:
    inside.configure('[plugins]\nallow = ["Ollama"]\n')
    inside.environment["OLLAMA_HOST"] = service.url
    service.body = '{"models": [{"name": "a"}]}'

    done = inside("doctor")

    assert findings(done.stdout)["Ollama"] == (
        "ok",
        "it needs no key; it listed 1 model",
    )


def test_a_server_elsewhere_is_not_among_those_on_this_machine(
    inside: CommandLine,
) -> None:
    inside.configure('[plugins]\nallow = ["Ollama"]\n')
    inside.environment["OLLAMA_HOST"] = "http://ollama.example"

    done = inside("doctor", "--offline")

    assert findings(done.stdout)["Ollama"] == ("ok", "it needs no key")


def test_what_cannot_be_looked_into_is_reported(inside: CommandLine) -> None:
    loop = inside.folder / "loop"
    loop.symlink_to(loop)
    inside.environment["XDG_CONFIG_HOME"] = str(loop)
    (inside.folder / "site" / "broken-1.0.dist-info").mkdir()

    found = findings(inside("doctor", "--offline").stdout)

    if sys.platform == "linux":
        assert found["configuration"][0] == "warning"
        assert found["configuration"][1].endswith("; none is used")
    assert found["package broken"][0] == "warning"


def test_an_engine_that_is_not_set_up_is_no_fault(inside: CommandLine) -> None:
    inside.configure('[plugins]\nallow = ["Local"]\n')
    inside.environment["XDG_DATA_HOME"] = str(inside.folder)

    done = inside("doctor", "--offline")

    found = findings(done.stdout)
    if found["Local"][0] == "ok":
        pytest.skip("the weights are installed as a package")
    assert found["Local"][0] == "-"
    assert "`turnout local pull`" in found["Local"][1]
    assert found["summary"][0] == "error"


def test_a_service_without_a_variable_for_its_key_is_named(inside: CommandLine) -> None:
    inside.configure('[plugins]\nallow = ["Groq", "Scripted"]\n')

    done = inside("doctor", "--offline")

    assert findings(done.stdout)["not configured"] == (
        "-",
        "1 service without a key: Groq; set e.g. GROQ_API_KEY",
    )


def test_whether_conversations_are_kept_is_reported(inside: CommandLine) -> None:
    path = inside.configure('[plugins]\nallow = ["Scripted"]\n[cli]\nlog = false\n')
    off = findings(inside("doctor", "--offline").stdout)["conversations"]
    inside.configure('[plugins]\nallow = ["Scripted"]\n')
    inside("chat", "-m", "Echo", "Hi")
    kept = findings(inside("doctor", "--offline").stdout)["conversations"]
    log = Path(inside("logs", "path").stdout.strip())
    log.write_bytes(b"not a database" * 99)
    damaged = findings(inside("doctor", "--offline").stdout)["conversations"]

    assert off == ("ok", f"not kept: cli.log is false in {path}")
    assert kept == ("ok", f"1 kept in {log}")
    assert damaged[0] == "warning"
    assert damaged[1].startswith(f"not kept: {log} is damaged (")


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
