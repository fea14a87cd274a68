"""Ctrl-C while a plugin's code runs, and plugins that raise more than an Exception."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import click
import pytest

from tests.core.site import Site
from turnout._app import App
from turnout._config import Config
from turnout._hooks import PluginHooks
from turnout._plugins import PluginHost, PluginRules, described, is_plugins_fault
from turnout.cli._live import live_models, live_models_of_all
from turnout.cli._main import run
from turnout.cli._readiness import readiness
from turnout.errors import PluginError, TurnoutError
from turnout.types import Attempt, ChatRequest, Target

REQUEST = ChatRequest.build("Hi", model="m")

A, B = Target("A", "m"), Target("B", "m")

ONCE = """
from pathlib import Path

def interrupt():
    flag = Path(__file__).with_name("interrupted")
    if not flag.exists():
        flag.touch()
        raise KeyboardInterrupt
"""
"""Begins a plugin: the first call of `interrupt` raises what Ctrl-C raises."""

KINDS = ["SystemExit(4)", "SystemExit", "Odd('x')", "GeneratorExit", "CancelledError"]

ODD = """
from asyncio import CancelledError

class Odd(BaseException):
    pass
"""


def provider(body: str) -> str:
    """Return a plugin with the provider Torn, whose class has this body."""
    lines = dedent(body).strip().replace("\n", "\n    ")
    return (
        f"{ODD}\nclass Torn(Silent):\n    info = ProviderInfo(name='Torn', "
        f"models=('m',))\n    {lines}\n"
        "@hookimpl\ndef turnout_providers(): return [Torn]"
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("interrupt()\n", id="import"),
        pytest.param(
            "@hookimpl\ndef turnout_models(): interrupt()\n", id="turnout_models"
        ),
        pytest.param(
            "@hookimpl\ndef turnout_aliases(): interrupt()\n", id="turnout_aliases"
        ),
        pytest.param(
            "def __getattr__(name):\n"
            "    if name == 'turnout_api': interrupt()\n"
            "    raise AttributeError(name)\n",
            id="a look at the module",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_models():\n    interrupt()\n    yield from ()\n",
            id="a look at the answer",
        ),
    ],
)
def test_an_interrupted_plugin_is_loaded_the_next_time(site: Site, code: str) -> None:
    good = "@hookimpl\ndef turnout_providers(): return [row('Torn', 'm')]\n"
    site.add("torn", ONCE + good + code, "Torn")
    app = App(Config())

    with pytest.raises(KeyboardInterrupt):
        app.provider("Torn", {})

    assert app.host.set_aside == ()
    assert app.provider("Torn", {}).info.name == "Torn"
    assert app.host.set_aside == ()


def test_an_interruption_while_all_are_loaded_loses_none(site: Site) -> None:
    good = "@hookimpl\ndef turnout_aliases(): return {}"
    site.add("a-first", good, "A First")
    site.add("b-torn", f"{ONCE}\ninterrupt()\n{good}", "B Torn")
    site.add("c-last", good, "C Last")
    host = PluginHost(PluginRules(allow=("A First", "B Torn", "C Last")))

    with pytest.raises(KeyboardInterrupt):
        host.load_all()
    host.load_all()

    assert [plugin.name for plugin in host.plugins] == ["A First", "B Torn", "C Last"]
    assert host.set_aside == ()


def test_an_interrupted_package_is_imported_again_with_its_submodules(
    site: Site,
) -> None:
    # `import a.b` sets `b` in `a` only when it runs `a.b`. So a submodule that stays
    # in sys.modules would be missing in its package after the second import.
    site.add(
        "torn",
        "import torn_package.part\nimport torn_library.part\n"
        "@hookimpl\ndef turnout_aliases(): "
        "return {'a': torn_package.part.NAME, 'b': torn_library.part.NAME}",
        "Torn",
    )
    for name in ("torn_package", "torn_library"):
        package = site.folder / name
        package.mkdir()
        (package / "part.py").write_text(f"NAME = {name!r}\n")
        (package / "__init__.py").write_text(
            f"{ONCE}\nimport {name}.part\ninterrupt()\n{name}.part.NAME\n"
        )
    importlib.invalidate_caches()
    host = PluginHost(PluginRules())

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            host.load("Torn")
    (plugin,) = host.load("Torn")

    assert plugin.aliases == {"a": "torn_package", "b": "torn_library"}
    for name in ("torn_package", "torn_library"):
        del sys.modules[name], sys.modules[f"{name}.part"]


def test_an_interrupted_package_runs_its_own_finished_modules_again(
    site: Site,
) -> None:
    # A finished module may hold one that was interrupted, which is never finished.
    package = site.folder / "torn_ring"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "other.py").write_text("from torn_ring import plugin\n")
    (package / "plugin.py").write_text(
        f"{ONCE}\nfrom turnout import hookimpl\nfrom torn_ring import other\n"
        "interrupt()\n"
        "@hookimpl\ndef turnout_aliases(): return {'a': other.plugin.__name__}\n"
        "LATE = 1\n"
    )
    site.add("torn", "", {"Torn": "torn_ring.plugin"})
    host = PluginHost(PluginRules())

    with pytest.raises(KeyboardInterrupt):
        host.load("Torn")
    (plugin,) = host.load("Torn")

    assert plugin.aliases == {"a": "torn_ring.plugin"}
    ring = sys.modules
    assert ring["torn_ring.other"].plugin is ring["torn_ring.plugin"]
    for name in ("torn_ring", "torn_ring.other", "torn_ring.plugin"):
        del sys.modules[name]


def test_a_compiled_module_of_an_interrupted_package_stays_imported(
    site: Site,
) -> None:
    # Many refuse to be imported a second time in one process.
    site.add(
        "torn",
        f"""{ONCE}
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from types import ModuleType

native = sys.modules.setdefault("torn.native", ModuleType("torn.native"))
native.__spec__ = ModuleSpec("torn.native", ExtensionFileLoader("torn.native", "x"))
seen = native.__dict__.setdefault("seen", [])
seen.append(1)
interrupt()

@hookimpl
def turnout_aliases(): return {{"a": str(len(seen))}}
""",
        "Torn",
    )
    host = PluginHost(PluginRules())

    with pytest.raises(KeyboardInterrupt):
        host.load("Torn")
    (plugin,) = host.load("Torn")

    assert plugin.aliases == {"a": "2"}
    del sys.modules["torn.native"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("code", "place"),
    [
        pytest.param("raise {}", "", id="import"),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): raise {}",
            "turnout_providers",
            id="turnout_providers",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_models(): raise {}", "turnout_models", id="models"
        ),
        pytest.param(
            "@hookimpl\ndef turnout_aliases(): raise {}", "turnout_aliases", id="alias"
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers():\n    raise {}\n    yield",
            "turnout_providers",
            id="a generator",
        ),
        pytest.param(
            "def __getattr__(name): raise {}\n@hookimpl\ndef turnout_aliases(): pass",
            "",
            id="a look at the module",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_commands(cli): raise {}",
            "turnout_commands",
            id="turnout_commands",
        ),
    ],
)
def test_a_plugin_that_raises_no_exception_is_set_aside_with_its_name(
    site: Site, kind: str, code: str, place: str
) -> None:
    site.add("torn", ODD + code.format(kind), "Torn")
    host = PluginHost(PluginRules())

    host.load_all()
    host.add_commands(click.Group())

    (aside,) = host.set_aside
    assert aside.name == "Torn"
    told = str(aside.error)
    assert told.startswith("plugin 'Torn' ")
    assert place in told
    assert kind.partition("(")[0] in told
    assert "FlowGpt" in [plugin.name for plugin in host.plugins]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_of_requests_that_raises_no_exception_is_passed_over(
    site: Site, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = "\n".join(
        f"@hookimpl\ndef {name}(): raise {kind}"
        for name in (
            "turnout_rewrite_request",
            "turnout_order_targets",
            "turnout_attempt_started",
            "turnout_attempt_ended",
        )
    )
    site.add("torn", ODD + hooks, "Torn")
    host = PluginHost(PluginRules(allow=("Torn",)))
    host.load_all()
    asked = PluginHooks(host)

    assert asked.rewrite(REQUEST, A) is REQUEST
    assert list(asked.order([A, B], REQUEST)) == [A, B]
    asked.started(Attempt(target=A, outcome="running"))
    asked.ended(Attempt(target=A, outcome="complete"))

    name = kind.partition("(")[0]
    firsts = [message.partition("\n")[0] for message in caplog.messages]
    assert firsts == [f"plugin 'Torn' raised {name} in a hook"] * 4


@pytest.mark.parametrize(
    "expression",
    ["(1 / 0 for _ in 'a')", "(exit(3) for _ in 'a')", "map(int, 'a')"],
)
def test_an_order_that_raises_when_it_is_read_is_passed_over(
    site: Site, expression: str, caplog: pytest.LogCaptureFixture
) -> None:
    site.add(
        "torn", f"@hookimpl\ndef turnout_order_targets(): return {expression}", "Torn"
    )
    host = PluginHost(PluginRules(allow=("Torn",)))
    host.load_all()

    assert list(PluginHooks(host).order([A, B], REQUEST)) == [A, B]
    (told,) = caplog.messages
    assert told.startswith("plugin 'Torn' raised ")


ASKED: dict[str, Callable[[PluginHooks], object]] = {
    "rewrite": lambda hooks: hooks.rewrite(REQUEST, A),
    "order": lambda hooks: hooks.order([A, B], REQUEST),
    "started": lambda hooks: hooks.started(Attempt(target=A, outcome="running")),
    "ended": lambda hooks: hooks.ended(Attempt(target=A, outcome="complete")),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_ctrl_c_in_a_hook_of_requests_passes_through(
    site: Site, ask: Callable[[PluginHooks], object]
) -> None:
    hooks = "\n".join(
        f"@hookimpl\ndef {name}(): raise KeyboardInterrupt"
        for name in (
            "turnout_rewrite_request",
            "turnout_order_targets",
            "turnout_attempt_started",
            "turnout_attempt_ended",
        )
    )
    site.add("torn", hooks, "Torn")
    host = PluginHost(PluginRules(allow=("Torn",)))
    host.load_all()

    with pytest.raises(KeyboardInterrupt):
        ask(PluginHooks(host))
    assert host.set_aside == ()


def test_ctrl_c_while_commands_are_added_passes_through(site: Site) -> None:
    site.add(
        "torn", "@hookimpl\ndef turnout_commands(cli): raise KeyboardInterrupt", "Torn"
    )
    host = PluginHost(PluginRules(allow=("Torn",)))
    host.load_all()

    with pytest.raises(KeyboardInterrupt):
        host.add_commands(click.Group())
    assert host.set_aside == ()


@pytest.mark.parametrize("kind", ["SystemExit(4)", "Odd('x')", "CancelledError"])
def test_a_provider_that_raises_no_exception_when_it_is_made_is_its_plugins_error(
    site: Site, kind: str
) -> None:
    site.add("torn", provider(f"def __init__(self, **options): raise {kind}"), "Torn")

    with pytest.raises(PluginError, match=r"'Torn' of torn 1\.0 cannot be made: "):
        App(Config()).provider("Torn", {})


@pytest.mark.parametrize("kind", ["SystemExit(4)", "Odd('x')", "CancelledError"])
def test_a_provider_that_cannot_say_what_it_lacks_is_broken(
    site: Site, kind: str
) -> None:
    site.add("torn", provider(f"def unavailable(self): raise {kind}"), "Torn")
    app = App(Config())

    found = readiness(app, app.entry("Torn"))

    assert found.state == "broken"
    assert found.reason.startswith("it cannot say what it lacks: ")


@pytest.mark.parametrize("kind", ["SystemExit(4)", "Odd('x')", "CancelledError"])
@pytest.mark.parametrize("method", ["list_models", "__aenter__"])
def test_a_provider_that_cannot_list_its_models_is_its_plugins_error(
    site: Site, kind: str, method: str
) -> None:
    site.add("torn", provider(f"async def {method}(self): raise {kind}"), "Torn")
    app = App(Config())
    name = kind.partition("(")[0]

    with pytest.raises(PluginError, match=f"'Torn' raised {name} while it listed"):
        live_models(app, app.entry("Torn"))
    assert live_models_of_all(app, [app.entry("Torn")]) == []


@pytest.mark.parametrize("models", ["5", "['m']", "None", "[None]"])
def test_a_list_that_is_not_of_models_is_its_plugins_error(
    site: Site, models: str
) -> None:
    site.add("torn", provider(f"async def list_models(self): return {models}"), "Torn")
    app = App(Config())

    with pytest.raises(PluginError, match="'Torn' raised TypeError while it listed"):
        live_models(app, app.entry("Torn"))


def test_a_lack_that_is_not_a_text_is_its_plugins_fault(site: Site) -> None:
    site.add("torn", provider("def unavailable(self): return 5"), "Torn")
    app = App(Config())

    found = readiness(app, app.entry("Torn"))

    assert found.state == "broken"
    assert found.reason == (
        "it cannot say what it lacks: TypeError: unavailable() gave an int, not a text"
    )


@pytest.fixture
def doctor(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], int]:
    """Return a function that runs `turnout doctor` with an engine that raises."""

    def run_with(raised: str) -> int:
        body = f"async def __aenter__(self): raise {raised}"
        code = provider(body).replace("models=", "in_process=True, models=")
        site.add("torn", code, "Torn")
        return run(["doctor", "--offline"])

    (tmp_path / "turnout.toml").write_text("[plugins]\nallow = ['Torn']\n")
    monkeypatch.chdir(tmp_path)
    return run_with


@pytest.mark.parametrize("kind", ["SystemExit(4)", "Odd('x')", "RuntimeError('x')"])
def test_an_engine_that_cannot_be_entered_is_a_finding(
    kind: str, doctor: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(kind) == 1

    name = kind.partition("(")[0]
    told = capsys.readouterr().out
    assert f"its plugin raised {name}: " in told


def test_ctrl_c_in_an_engine_passes_through(doctor: Callable[[str], int]) -> None:
    assert doctor("KeyboardInterrupt") == 130


@pytest.mark.parametrize("method", ["unavailable", "__init__"])
def test_ctrl_c_in_a_providers_code_passes_through(site: Site, method: str) -> None:
    body = f"def {method}(self, **options): raise KeyboardInterrupt"
    site.add("torn", provider(body), "Torn")
    app = App(Config())

    with pytest.raises(KeyboardInterrupt):
        readiness(app, app.entry("Torn"))


async def test_a_cancellation_from_outside_is_no_fault_of_a_plugin() -> None:
    verdicts: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            verdicts.append(is_plugins_fault(error))
            raise

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert verdicts == [False]
    assert is_plugins_fault(asyncio.CancelledError())


def test_a_cancellation_without_an_event_loop_is_a_plugins_fault() -> None:
    assert is_plugins_fault(asyncio.CancelledError())


@pytest.mark.parametrize(
    "error", [TurnoutError(), KeyboardInterrupt(), GeneratorExit()]
)
def test_what_is_no_fault_of_a_plugin_is_raised_as_it_is(error: BaseException) -> None:
    assert not is_plugins_fault(error)


def test_without_asyncio_nothing_is_a_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "asyncio")

    assert is_plugins_fault(ValueError())


def test_an_error_whose_text_cannot_be_had_is_described_by_its_class() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    assert described(Mute()) == "Mute"
    assert described(SystemExit()) == "SystemExit"
    assert described(OSError("a\n b")) == "OSError: a b"
