"""Plugins: which are found, loaded, refused and set aside."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from types import ModuleType, SimpleNamespace
from typing import cast

import click
import pytest

from tests.core.site import OWN_NAMES, Site
from turnout._plugins import GROUP, OWN, PluginHost, PluginRules, SetAside
from turnout.hookspecs import API_VERSION
from turnout.types import ModelInfo

GOOD = """
@hookimpl
def turnout_providers():
    return [row("Good", "good-1")]
"""


def loaded(host: PluginHost) -> list[str]:
    return [plugin.name for plugin in host.plugins]


def only(found: Sequence[SetAside]) -> str:
    """Return the error of the only plugin that is set aside."""
    (aside,) = found
    return str(aside.error)


def aside_of(site: Site, code: str) -> SetAside:
    """Return how a plugin with this code is set aside, when all are loaded."""
    site.add("culprit", code, "Culprit")
    host = PluginHost(PluginRules())

    host.load_all()

    assert "Culprit" not in loaded(host)
    assert "FlowGpt" in loaded(host)
    (aside,) = host.set_aside
    assert (aside.name, aside.distribution, aside.version) == (
        "Culprit",
        "culprit",
        "1.0",
    )
    return aside


def test_turnouts_own_plugins_are_found_by_entry_points() -> None:
    host = PluginHost(PluginRules())

    assert [entry.name for entry in host.entry_points] == OWN_NAMES
    assert {entry.dist.name for entry in host.entry_points if entry.dist} == {OWN}
    assert {entry.group for entry in host.entry_points} == {GROUP}


def test_a_provider_of_turnouts_own_is_found_by_its_name() -> None:
    host = PluginHost(PluginRules(), own_only=True)
    host.load_all()
    entries = {entry.name for entry in host.entry_points}

    # Else a package that is installed could take its place where it alone is loaded.
    brought = {info.name for plugin in host.plugins for info in plugin.providers}
    assert brought <= entries


def test_a_plugin_is_loaded_with_what_it_declares(site: Site) -> None:
    site.add(
        "declares",
        """
        class Own(Silent):
            info = ProviderInfo(name="Own", models=("own-1",))

        @hookimpl
        def turnout_providers():
            return (one for one in [Own, row("Row", "row-1")])

        @hookimpl
        def turnout_models():
            return [ModelInfo(name="more", provider="Own")]

        @hookimpl
        def turnout_aliases():
            return {"nick": "own-1"}
        """,
        "Declares",
    )
    host = PluginHost(PluginRules())

    (plugin,) = host.load("Declares")

    assert str(plugin) == "declares 1.0"
    assert [info.name for info in plugin.providers] == ["Own", "Row"]
    assert [info.provider_class is not None for info in plugin.providers] == [True] * 2
    assert plugin.models == (ModelInfo(name="more", provider="Own"),)
    assert plugin.aliases == {"nick": "own-1"}
    assert host.set_aside == ()


def test_a_hook_may_answer_none(site: Site) -> None:
    site.add(
        "silent-one",
        """
        @hookimpl
        def turnout_providers(): pass

        @hookimpl
        def turnout_models(): pass

        @hookimpl
        def turnout_aliases(): pass
        """,
        "Silent One",
    )
    host = PluginHost(PluginRules())

    (plugin,) = host.load("Silent One")

    assert (plugin.providers, plugin.models, plugin.aliases) == ((), (), {})


@pytest.mark.parametrize("name", ["Good One", "good-one", "GOODONE"])
def test_loading_by_name_loads_nothing_else(site: Site, name: str) -> None:
    site.add("good", GOOD, "Good One")
    site.add("other", GOOD, "Other")
    host = PluginHost(PluginRules())

    bearers = host.load(name)

    assert [plugin.name for plugin in bearers] == ["Good One"]
    assert loaded(host) == ["Good One"]
    assert not site.loaded("other")


def test_loading_a_name_that_nobody_bears_loads_nothing(site: Site) -> None:
    site.add("good", GOOD, "Good")
    host = PluginHost(PluginRules())

    assert host.load("Absent") == []
    assert loaded(host) == []


def test_all_that_bear_a_name_are_loaded(site: Site) -> None:
    site.add("good-b", GOOD, "Twin")
    site.add("good-a", GOOD, "tw-in")
    host = PluginHost(PluginRules())

    bearers = host.load("Twin")

    assert {plugin.distribution for plugin in bearers} == {"good-a", "good-b"}


def test_plugins_of_one_name_are_both_known(site: Site) -> None:
    site.add("good-b", GOOD, "Twin")
    site.add("good-a", GOOD, "Twin")
    host = PluginHost(PluginRules())

    host.load_all()

    twins = [plugin.distribution for plugin in host.plugins if plugin.name == "Twin"]
    assert twins == ["good-a", "good-b"]


def test_each_plugin_has_what_its_own_hooks_declare(site: Site) -> None:
    for name in ("Alpha", "Beta"):
        site.add(f"dist-{name.lower()}", GOOD.replace("Good", name), name)
    host = PluginHost(PluginRules())

    host.load_all()

    brought = {p.name: [info.name for info in p.providers] for p in host.plugins}
    assert brought["Alpha"] == ["Alpha"]
    assert brought["Beta"] == ["Beta"]


def test_a_plugin_works_though_one_of_its_name_is_broken(site: Site) -> None:
    site.add("aaa", "@hookimpl\nasync def turnout_providers(): return []", "Twin")
    site.add("bbb", GOOD, "Twin")
    host = PluginHost(PluginRules())

    (plugin,) = host.load("Twin")

    assert plugin.distribution == "bbb"
    assert [aside.distribution for aside in host.set_aside] == ["aaa"]


def test_a_plugin_is_loaded_once(site: Site) -> None:
    site.add("good", f"{GOOD}\nLOG.append('imported')", "Good")
    host = PluginHost(PluginRules())

    first = host.load("Good")
    host.load_all()

    assert host.load("Good") == first
    assert site.log("good") == ["imported"]


def test_plugins_are_in_the_order_of_their_names(site: Site) -> None:
    for name in ("zeta", "alpha", "Mu"):
        site.add(f"dist-{name}", GOOD, name)
    host = PluginHost(PluginRules())

    for name in ("zeta", "alpha", "Mu"):
        host.load(name)

    assert loaded(host) == ["Mu", "alpha", "zeta"]


def test_the_tuple_of_plugins_is_another_once_there_are_others(site: Site) -> None:
    site.add("good", GOOD, "Good")
    host = PluginHost(PluginRules())
    host.load("FlowGpt")
    before = host.plugins

    host.load("FlowGpt")
    assert host.plugins is before

    host.load("Good")
    assert host.plugins is not before


def test_one_module_with_several_names_is_one_plugin(site: Site) -> None:
    site.add("many", GOOD, {"Beta": "many", "Alpha": "many"})
    host = PluginHost(PluginRules())

    (beta,) = host.load("Beta")
    (alpha,) = host.load("Alpha")

    assert alpha is beta
    assert host.set_aside == ()
    assert alpha.name == "Beta"


def test_another_distributions_name_for_a_module_is_refused(site: Site) -> None:
    site.add("good", GOOD, "Good")
    site.add("thief", "", {"Thief": "good"})
    host = PluginHost(PluginRules())

    host.load_all()

    assert only(host.set_aside).startswith("plugin 'Thief' was refused: ValueError: ")
    assert "Good" in loaded(host)


def test_an_object_may_be_a_plugin(site: Site) -> None:
    site.add(
        "objects",
        """
        class Hooks:
            @hookimpl
            def turnout_aliases(self):
                return {"a": "b"}

        hooks = Hooks()
        """,
        {"Objects": "objects:hooks"},
    )

    (plugin,) = PluginHost(PluginRules()).load("Objects")

    assert plugin.aliases == {"a": "b"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param(
            "import no_such_module",
            "plugin 'Culprit' cannot be imported: ModuleNotFoundError: No module named "
            "'no_such_module'",
            id="missing module",
        ),
        pytest.param(
            "raise RuntimeError('not today')",
            "plugin 'Culprit' cannot be imported: RuntimeError: not today",
            id="raises at import",
        ),
        pytest.param(
            "raise SystemExit(3)",
            "plugin 'Culprit' cannot be imported: SystemExit: 3",
            id="exits at import",
        ),
        pytest.param(
            "",
            "plugin 'Culprit' implements no hook; put @hookimpl before each of them",
            id="no hook",
        ),
        pytest.param(
            "def turnout_providers(): return []",
            "plugin 'Culprit' implements no hook; put @hookimpl before each of them",
            id="forgotten marker",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_provider(): return []",
            "plugin 'Culprit' implements 'turnout_provider', which is no hook; did you "
            "mean 'turnout_providers'?",
            id="misspelt",
        ),
        pytest.param(
            "@hookimpl\ndef zzz(): return []",
            "plugin 'Culprit' implements 'zzz', which is no hook",
            id="nothing like a hook",
        ),
        pytest.param(
            "@hookimpl\ndef hookimp(): return []",
            "plugin 'Culprit' implements 'hookimp', which is no hook",
            id="like a name that is no hook's",
        ),
        pytest.param(
            "@hookimpl\nasync def turnout_providers(): return []",
            "plugin 'Culprit' has an `async def` turnout_providers, which nobody would "
            "await; a hook is a plain function",
            id="async def",
        ),
        pytest.param(
            "@hookimpl\nasync def turnout_providers(): yield",
            "plugin 'Culprit' has an `async def` turnout_providers, which nobody would "
            "await; a hook is a plain function",
            id="async generator",
        ),
        pytest.param(
            "@hookimpl(wrapper=True)\ndef turnout_providers(): return (yield)",
            "plugin 'Culprit' wraps turnout_providers; plugins are asked one by one, "
            "so that there is nothing to wrap",
            id="wrapper",
        ),
        pytest.param(
            "@hookimpl(hookwrapper=True)\ndef turnout_providers(): yield",
            "plugin 'Culprit' wraps turnout_providers; plugins are asked one by one, "
            "so that there is nothing to wrap",
            id="old wrapper",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): raise ValueError('oh')",
            "plugin 'Culprit' raised in turnout_providers: ValueError: oh",
            id="raises",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_models():\n    yield\n    1 / 0",
            "plugin 'Culprit' gave None for a model; it is a ModelInfo that names its "
            "provider",
            id="yields nonsense",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers():\n    yield Silent\n    1 / 0",
            "plugin 'Culprit' raised in turnout_providers: ZeroDivisionError: division "
            "by zero",
            id="raises while it yields",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): return Silent",
            "plugin 'Culprit' gave the class Silent where a list is expected",
            id="no list",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): return 'Silent'",
            "plugin 'Culprit' gave a str where a list is expected",
            id="text",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_models(): return {}",
            "plugin 'Culprit' gave a dict where a list is expected",
            id="mapping",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): return [5]",
            "plugin 'Culprit' gave 5 for a provider; it is a Provider's class or a "
            "ProviderInfo",
            id="no provider",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): return [int]",
            "plugin 'Culprit' gave <class 'int'> for a provider; it is a Provider's "
            "class or a ProviderInfo",
            id="another class",
        ),
        pytest.param(
            "class P(Provider): pass\n@hookimpl\ndef turnout_providers(): return [P]",
            "plugin 'Culprit': P has no `info`; it is a ProviderInfo",
            id="class without info",
        ),
        pytest.param(
            "class P(Provider):\n    info = ProviderInfo(name='P')\n"
            "    async def generate(self, request): return 'text'\n"
            "@hookimpl\ndef turnout_providers(): return [P]",
            "plugin 'Culprit': P.generate is a coroutine; `yield` what it answers",
            id="class that returns",
        ),
        pytest.param(
            "class P(Provider):\n    info = ProviderInfo(name='P')\n"
            "    options_type = int\n"
            "    async def generate(self, request): yield 'text'\n"
            "@hookimpl\ndef turnout_providers(): return [P]",
            "plugin 'Culprit': P.options_type is <class 'int'>; it is a class that "
            "derives from ProviderOptions",
            id="class with other options",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): return [ProviderInfo(name='P')]",
            "plugin 'Culprit': the provider_class of 'P' is no Provider; it is the "
            "class that serves the row",
            id="row without class",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers():\n"
            "    return [ProviderInfo(name='P', provider_class='Silent')]",
            "plugin 'Culprit': the provider_class of 'P' is no Provider; it is the "
            "class that serves the row",
            id="row over a text",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers():\n"
            "    return [ProviderInfo(name='P', provider_class=int)]",
            "plugin 'Culprit': the provider_class of 'P' is no Provider; it is the "
            "class that serves the row",
            id="row over another class",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_providers(): return [ProviderInfo(name='a:b')]",
            "'a:b' cannot name a provider; a name has printable characters and no "
            "colon",
            id="info that is refused",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_models(): return [ModelInfo(name='m')]",
            f"plugin 'Culprit' gave {ModelInfo(name='m')!r} for a model; it is a "
            "ModelInfo that names its provider",
            id="model without provider",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_aliases(): return [('a', 'b')]",
            "plugin 'Culprit' gave aliases that are no mapping of texts",
            id="aliases as a list",
        ),
        pytest.param(
            "@hookimpl\ndef turnout_aliases(): return {'a': 5}",
            "plugin 'Culprit' gave aliases that are no mapping of texts",
            id="alias of a number",
        ),
        pytest.param(
            f"turnout_api = ({API_VERSION + 1}, {API_VERSION + 2})\n{GOOD}",
            f"plugin 'Culprit' was written for versions {API_VERSION + 1} to "
            f"{API_VERSION + 2} of turnout's plugin API; this turnout has version "
            f"{API_VERSION}",
            id="an API of the future",
        ),
        pytest.param(
            f"turnout_api = ({API_VERSION - 1}, {API_VERSION - 1})\n{GOOD}",
            f"plugin 'Culprit' was written for versions {API_VERSION - 1} to "
            f"{API_VERSION - 1} of turnout's plugin API; this turnout has version "
            f"{API_VERSION}",
            id="an API of the past",
        ),
        pytest.param(
            f"turnout_api = 1\n{GOOD}",
            "plugin 'Culprit' says turnout_api = 1; it is the first and the last "
            "version that it was written for, as in (1, 1)",
            id="no range of versions",
        ),
        pytest.param(
            "def __getattr__(name):\n"
            "    if name == 'turnout_api': raise RuntimeError('lazy')\n"
            "    raise AttributeError(name)\n" + GOOD,
            "plugin 'Culprit' was refused: RuntimeError: lazy",
            id="a module that raises when it is looked at",
        ),
    ],
)
def test_a_broken_plugin_is_set_aside_and_the_others_work(
    site: Site, code: str, message: str
) -> None:
    assert str(aside_of(site, code).error) == message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "@hookimpl\ndef turnout_providers(cli): return []",
            "turnout_providers takes the argument 'cli', which the hook does not have; "
            "it has no arguments",
        ),
        (
            "@hookimpl\ndef turnout_attempt_started(atempt): pass",
            "turnout_attempt_started takes the argument 'atempt', which the hook does "
            "not have; known: attempt; did you mean 'attempt'?",
        ),
        (
            "@hookimpl(specname='turnout_order_targets')\n"
            "def order(targets, request, route): pass",
            "turnout_order_targets takes the argument 'route', which the hook does not "
            "have; known: targets, request",
        ),
        (
            "@hookimpl\ndef turnout_attempt_ended(*, attempt): pass",
            "turnout_attempt_ended takes the argument 'attempt' by keyword only; "
            "remove the `*` before it",
        ),
    ],
)
def test_an_argument_that_a_hook_does_not_have_is_refused(
    site: Site, code: str, message: str
) -> None:
    assert str(aside_of(site, code).error) == f"plugin 'Culprit': {message}"


def test_a_hook_may_have_more_arguments_with_defaults(site: Site) -> None:
    code = "@hookimpl\ndef turnout_attempt_started(attempt, more=1, *a, **b): pass"
    site.add("more", code, "More")

    assert PluginHost(PluginRules()).load("More") != []


@pytest.mark.parametrize(
    "code", ["1 / 0", "@hookimpl\ndef turnout_models(): 1 / 0"], ids=["import", "hook"]
)
def test_the_cause_of_an_error_is_kept(site: Site, code: str) -> None:
    assert isinstance(aside_of(site, code).error.__cause__, ZeroDivisionError)


def test_an_entry_point_that_names_nothing_is_set_aside(site: Site) -> None:
    site.add("culprit", "", {"Culprit": "culprit:absent"})
    host = PluginHost(PluginRules())

    assert host.load("Culprit") == []
    assert "has no attribute 'absent'" in only(host.set_aside)


def test_a_distribution_without_metadata_is_told_as_far_as_it_is_known(
    site: Site,
) -> None:
    site.add("bare", "1 / 0", "Bare", metadata=False)
    host = PluginHost(PluginRules())

    host.load("Bare")

    (aside,) = host.set_aside
    assert (aside.distribution, aside.version) == ("bare", "1.0")


def test_a_hook_of_another_version_may_be_marked_as_optional(site: Site) -> None:
    site.add(
        "future",
        f"""
        {GOOD.strip().replace(chr(10), chr(10) + " " * 8)}

        @hookimpl(optionalhook=True)
        def turnout_of_the_future():
            return 1
        """,
        "Good",
    )

    (plugin,) = PluginHost(PluginRules()).load("Good")

    assert plugin.distribution == "future"


def test_a_plugin_says_which_versions_it_was_written_for(site: Site) -> None:
    site.add("good", f"turnout_api = (0, {API_VERSION + 5})\n{GOOD}", "Good")

    assert PluginHost(PluginRules()).load("Good") != []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(PluginRules(), sorted([*OWN_NAMES, "Good"]), id="all"),
        pytest.param(PluginRules(allow=("go-od",)), ["Good"], id="allow"),
        pytest.param(PluginRules(allow=()), [], id="allow none"),
        pytest.param(PluginRules(deny=("GOOD",)), OWN_NAMES, id="deny"),
        pytest.param(
            PluginRules(allow=("Good", "Local"), deny=("Good",)),
            ["Local"],
            id="deny goes over allow",
        ),
    ],
)
def test_rules_decide_what_is_loaded(
    site: Site, rules: PluginRules, expected: list[str]
) -> None:
    site.add("good", GOOD, "Good")
    host = PluginHost(rules)

    host.load_all()
    host.load("Good")

    assert loaded(host) == expected
    assert site.loaded("good") == ("Good" in expected)
    assert host.keeps_out("good") == ("Good" not in expected)
    assert host.complete == ({*expected} == {*OWN_NAMES, "Good"})


def test_only_turnouts_own_may_be_loaded(site: Site) -> None:
    site.add("good", GOOD, "Good")
    host = PluginHost(PluginRules(), own_only=True)

    host.load_all()

    assert loaded(host) == OWN_NAMES
    assert not site.loaded("good")
    assert host.keeps_out("Good")
    assert not host.keeps_out("FlowGpt")


def test_a_host_is_complete_once_all_are_loaded_and_in_use(site: Site) -> None:
    host = PluginHost(PluginRules())

    assert not host.complete
    host.load_all()
    assert host.complete


def test_a_host_with_a_plugin_set_aside_is_not_complete(site: Site) -> None:
    site.add("culprit", "1 / 0", "Culprit")
    host = PluginHost(PluginRules())

    host.load_all()

    assert not host.complete


def test_commands_are_added(site: Site) -> None:
    site.add(
        "commands",
        """
        import click

        @hookimpl
        def turnout_commands(cli):
            cli.add_command(click.Command("wave"))
        """,
        "Commands",
    )
    host = PluginHost(PluginRules(allow=("Commands",)))
    host.load_all()
    cli = click.Group()

    host.add_commands(cli)

    assert list(cli.commands) == ["wave"]


def test_a_plugin_that_cannot_add_its_commands_is_set_aside_whole(site: Site) -> None:
    site.add(
        "torn",
        f"{GOOD}\n@hookimpl\ndef turnout_commands(cli): raise OSError('x')",
        "Torn",
    )
    host = PluginHost(PluginRules(allow=("FlowGpt", "Torn")))
    host.load_all()

    host.add_commands(click.Group())
    host.add_commands(click.Group())

    assert (
        only(host.set_aside) == "plugin 'Torn' raised in turnout_commands: OSError: x"
    )
    assert loaded(host) == ["FlowGpt"]


def test_implementations_are_asked_in_the_order_of_the_plugins_names(
    site: Site,
) -> None:
    for name in ("zeta", "alpha", "Mu"):
        code = f"@hookimpl\ndef turnout_attempt_started(attempt): return {name!r}"
        site.add(f"dist-{name.lower()}", code, name)
    host = PluginHost(PluginRules())
    host.load_all()

    calls = host.implementations("turnout_attempt_started")

    assert [call(attempt=None) for _, call in calls] == ["Mu", "alpha", "zeta"]
    assert [plugin.name for plugin, _ in calls] == ["Mu", "alpha", "zeta"]


def test_an_implementation_may_take_fewer_arguments(site: Site) -> None:
    site.add(
        "few", "@hookimpl\ndef turnout_order_targets(request): return request", "Few"
    )
    host = PluginHost(PluginRules())
    host.load("Few")

    ((_, call),) = host.implementations("turnout_order_targets")

    assert call(targets=(), request="asked") == "asked"


def test_a_second_thread_waits_for_what_the_first_one_loads(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = SimpleNamespace(started=threading.Event(), open=threading.Event())
    monkeypatch.setitem(sys.modules, "turnout_gate", cast("ModuleType", gate))
    site.add(
        "slow",
        f"import turnout_gate as gate\ngate.started.set()\ngate.open.wait(60)\n{GOOD}",
        "Slow",
    )
    host = PluginHost(PluginRules())

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(host.load, "Slow")
        assert gate.started.wait(60)
        second = threads.submit(host.load, "Slow")
        done, _ = wait([second], timeout=0.2)
        gate.open.set()
        found = first.result(60)

        assert done == set()
        assert [plugin.name for plugin in found] == ["Slow"]
        assert second.result(60) == found


def test_a_plugin_may_ask_for_others_while_it_is_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = PluginHost(PluginRules())
    gate = SimpleNamespace(host=host, found=[])
    monkeypatch.setitem(sys.modules, "turnout_gate", cast("ModuleType", gate))
    site.add(
        "asks",
        f"""
        import turnout_gate as gate

        gate.found += gate.host.load("FlowGpt")
        gate.host.load("Asks")
        {GOOD.strip().replace(chr(10), chr(10) + " " * 8)}
        """,
        "Asks",
    )

    bearers = host.load("Asks")

    assert [plugin.name for plugin in bearers] == ["Asks"]
    assert [plugin.name for plugin in gate.found] == ["FlowGpt"]
    assert host.set_aside == ()


MARKED = """
@hookimpl({mark})
def turnout_attempt_ended(attempt): pass
"""


def test_hooks_are_called_in_the_order_that_their_marks_ask_for(site: Site) -> None:
    marks = {"a": "trylast=True", "b": "", "c": "tryfirst=True", "d": "tryfirst=True"}
    for name, mark in {**marks, "e": "", "f": "trylast=True"}.items():
        site.add(f"dist-{name}", MARKED.format(mark=mark), name)
    host = PluginHost(PluginRules(allow=("a", "b", "c", "d", "e", "f")))
    host.load_all()

    found = host.implementations("turnout_attempt_ended")

    assert [plugin.name for plugin, _ in found] == ["c", "d", "b", "e", "a", "f"]


@pytest.mark.parametrize("mark", ["tryfirst", "trylast"])
@pytest.mark.parametrize(
    "hook", ["turnout_providers", "turnout_models", "turnout_aliases"]
)
def test_a_mark_without_effect_is_refused(site: Site, hook: str, mark: str) -> None:
    site.add("marked", f"@hookimpl({mark}=True)\ndef {hook}(): pass", "Marked")
    host = PluginHost(PluginRules(allow=("Marked",)))
    host.load_all()

    (aside,) = host.set_aside
    assert f"marks {hook} with {mark}, which has no effect" in str(aside.error)
