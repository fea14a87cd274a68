"""A process's own turnout: the configuration and the plugins, put together."""

from __future__ import annotations

import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

import turnout
from tests.core.samples import Echo
from tests.core.site import OWN_NAMES, Site
from turnout._app import App, current_app
from turnout._config import Config, read_config
from turnout._plugins import PluginRules
from turnout.errors import (
    ArgumentError,
    ConfigError,
    PluginError,
    UnknownModelError,
    UnknownProviderError,
)
from turnout.provider import BoundTarget
from turnout.routes import Policy
from turnout.testing import FakeProvider
from turnout.types import Secret

SORTED_NAMES = sorted(OWN_NAMES, key=str.casefold)

HELLO = """
@hookimpl
def turnout_providers():
    return [row("Hello", "hello-1", "hello-2", key_variable="HELLO_API_KEY")]
"""


def configured(folder: Path, text: str) -> App:
    """Return an app with a configuration."""
    path = folder / "turnout.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return App(read_config(path))


def loaded(app: App) -> set[str]:
    return {plugin.name for plugin in app.host.plugins}


def refused(app: App, name: str) -> str:
    with pytest.raises(UnknownProviderError) as caught:
        app.provider(name, {})
    return str(caught.value)


def test_the_process_has_one() -> None:
    assert current_app() is current_app()


def test_the_file_that_is_found_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("turnout.toml").write_text("[aliases]\nfast = 'FlowGpt'")

    assert turnout.explain("fast").targets[0].provider == "FlowGpt"


def test_a_broken_file_is_told_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("turnout.toml").write_text("order = [")

    for _ in range(2):
        with pytest.raises(ConfigError, match="is not valid TOML"):
            turnout.get_provider("FlowGpt")


def test_a_wrong_policy_is_told_with_the_file_and_the_route(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, "[routes.mine]\ntargets = ['A']\ndeadlin = 5")

    assert str(caught.value) == (
        f"{tmp_path / 'turnout.toml'}: routes.mine: unknown option 'deadlin'; did you "
        "mean 'deadline'?"
    )


@pytest.mark.parametrize("name", ["Hello", "hello", "HEL-LO"])
def test_a_provider_is_made_from_its_plugin_alone(site: Site, name: str) -> None:
    site.add("hello", HELLO, "Hello")
    site.add("other", HELLO.replace("Hello", "Other"), "Other")
    app = App(Config())

    provider = app.provider(name, {"proxy": "http://p"})

    assert provider.info.name == "Hello"
    assert provider.options.proxy == Secret("http://p")
    assert loaded(app) == {"Hello"}


def test_a_provider_of_a_plugin_of_another_name_is_found_among_all(site: Site) -> None:
    site.add("many", HELLO, "Many")
    app = App(Config())

    assert app.provider("Hello", {}).info.name == "Hello"
    assert loaded(app) == {*OWN_NAMES, "Many"}


def test_whose_a_name_is_does_not_depend_on_what_is_loaded(site: Site) -> None:
    # Both claim it and neither entry point bears it: nobody gets it, though one of
    # them is loaded already and the other is not.
    for name in ("Alpha", "Beta"):
        brings = f"[row('Hello'), row({name!r})]"
        site.add(
            name.lower(), f"@hookimpl\ndef turnout_providers(): return {brings}", name
        )
    app = App(Config())
    app.provider("Alpha", {})

    with pytest.raises(PluginError, match=r"claimed by alpha 1\.0 and beta 1\.0"):
        app.provider("Hello", {})


def test_a_package_does_not_replace_a_provider_of_turnouts_own(site: Site) -> None:
    code = "@hookimpl\ndef turnout_providers(): return [row('FlowGpt', 'evil')]"
    site.add("aaa-evil", code, {"FLOW-GPT": "aaa_evil", "FlowGpt": "aaa_evil"})
    app = App(Config())

    for name in ("FlowGpt", "flowgpt", "FLOW-GPT"):
        assert app.entry(name).plugin.distribution == "turnout"
    assert [aside.distribution for aside in app.set_aside] == ["aaa-evil"]


def test_the_configuration_chooses_whose_a_name_is(site: Site) -> None:
    site.add("hello-a", HELLO, "Hello")
    site.add("hello-b", HELLO.replace("hello-1", "other-1"), "Other")
    rules = PluginRules(choose={"hello": "hello-b"})
    app = App(Config(plugins=rules))

    assert app.provider("Hello", {}).catalog.model("") == "other-1"
    (aside,) = app.set_aside
    assert aside.distribution == "hello-a"


def test_a_contested_name_is_refused_each_time_anew(site: Site) -> None:
    site.add("hello-a", HELLO, "Alpha")
    site.add("hello-b", HELLO, "Beta")
    app = App(Config())
    lengths: set[int] = set()

    for _ in range(3):
        with pytest.raises(PluginError, match="is claimed by") as caught:
            app.provider("Hello", {})
        lengths.add(len(traceback.extract_tb(caught.value.__traceback__)))

    assert len(lengths) == 1


def test_the_plugin_that_would_bring_a_provider_is_told_where_it_is_broken(
    site: Site,
) -> None:
    site.add("hello", "1 / 0", "Hello")
    app = App(Config())

    with pytest.raises(PluginError, match="'Hello' cannot be imported") as caught:
        app.provider("hel-lo", {})

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_the_first_of_several_broken_plugins_of_one_name_is_told(site: Site) -> None:
    site.add("hello-b", "raise OSError('second')", "Hello")
    site.add("hello-a", "raise OSError('first')", "Hello")

    with pytest.raises(PluginError, match="first"):
        App(Config()).provider("Hello", {})


def test_an_unknown_provider_is_told_with_the_nearest(site: Site) -> None:
    assert refused(App(Config()), "FlowGtp") == (
        "unknown provider 'FlowGtp'; did you mean 'FlowGpt'?"
    )


def test_a_name_like_no_other_is_told_with_all_that_there_are(site: Site) -> None:
    assert refused(App(Config()), "zzz") == (
        f"unknown provider 'zzz'; known: {', '.join(SORTED_NAMES)}"
    )


def test_without_any_provider_none_is_suggested() -> None:
    app = App(Config(plugins=PluginRules(allow=())))

    assert refused(app, "zzz") == "unknown provider 'zzz'"


def test_plugins_set_aside_are_told_with_an_unknown_provider(site: Site) -> None:
    site.add("torn", "1 / 0", "Torn")

    assert refused(App(Config()), "zzz").endswith(
        "; these plugins are set aside, see `turnout plugins`: 'Torn'"
    )


def test_what_was_meant_is_asked_after_all_else(site: Site) -> None:
    site.add("torn", "1 / 0", "Torn")

    assert refused(App(Config()), "FlowGtp") == (
        "unknown provider 'FlowGtp'; these plugins are set aside, see `turnout "
        "plugins`: 'Torn'; did you mean 'FlowGpt'?"
    )


def test_others_plugins_can_be_left_out(site: Site) -> None:
    site.add("torn", "1 / 0", "Torn")

    app = App(Config(), own_only=True)

    assert list(app.load_all().providers) == SORTED_NAMES
    assert app.set_aside == ()


def test_a_provider_that_the_configuration_keeps_out_is_told_so(site: Site) -> None:
    site.add("hello", HELLO, "Hello")
    app = App(Config(plugins=PluginRules(deny=("Hello",))))

    assert refused(app, "Hello") == (
        "unknown provider 'Hello'; its plugin is installed, and kept out by the "
        "configuration"
    )


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_a_variable_keeps_other_packages_plugins_out(
    site: Site, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    site.add("hello", HELLO, "Hello")
    monkeypatch.setenv("TURNOUT_DISABLE_PLUGINS", value)
    app = App(Config())

    assert refused(app, "Hello") == (
        "unknown provider 'Hello'; its plugin is installed, and kept out by "
        "TURNOUT_DISABLE_PLUGINS"
    )
    assert loaded(app) == {*OWN_NAMES}


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_may_say_that_they_are_wanted(
    site: Site, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    site.add("hello", HELLO, "Hello")
    monkeypatch.setenv("TURNOUT_DISABLE_PLUGINS", value)

    assert App(Config()).provider("Hello", {}).info.name == "Hello"


def test_options_of_the_call_go_over_those_of_the_configuration(
    site: Site, tmp_path: Path
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(
        tmp_path, "[providers.hello]\nconnect_timeout = 1\nidle_timeout = 2"
    )

    options = app.provider("Hello", {"idle_timeout": 3}).options

    assert (options.connect_timeout, options.idle_timeout) == (1, 3)


def test_a_wrong_option_of_the_configuration_is_told_with_the_file(
    site: Site, tmp_path: Path
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(tmp_path, "[providers.Hello]\nprox = 'http://p'")

    with pytest.raises(ConfigError) as caught:
        app.provider("Hello", {"idle_timeout": 3})

    assert str(caught.value) == (
        f"{tmp_path / 'turnout.toml'}: providers.Hello: unknown option 'prox'; did you "
        "mean 'proxy'?"
    )


@pytest.mark.parametrize("text", ["", "[providers.Hello]\nconnect_timeout = 1"])
def test_a_wrong_option_of_the_call_does_not_blame_the_file(
    site: Site, tmp_path: Path, text: str
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        app.provider("Hello", {"prox": "http://p"})

    assert str(caught.value) == (
        "option of provider 'Hello': unknown option 'prox'; did you mean 'proxy'?"
    )


def test_a_wrong_option_of_a_row_does_not_blame_the_file(site: Site) -> None:
    code = (
        "@hookimpl\ndef turnout_providers(): return [row('Hello', options={'prox': 1})]"
    )
    site.add("hello", code, "Hello")

    with pytest.raises(
        ConfigError, match=r"^option of provider 'Hello': unknown option"
    ):
        App(Config()).provider("Hello", {})


INSTANCE = """
[providers.mine]
plugin = "Hello"
base_url = "http://mine.example"
"""


def test_an_instance_of_the_configuration_loads_its_plugin_alone(
    site: Site, tmp_path: Path
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(tmp_path, INSTANCE)

    provider = app.provider("MINE", {})

    assert provider.info.name == "mine"
    assert provider.options.base_url == "http://mine.example"
    assert loaded(app) == {"Hello"}


def test_an_instance_that_takes_a_providers_name_is_refused_whatever_is_loaded(
    site: Site, tmp_path: Path
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(tmp_path, INSTANCE.replace("mine]", "Local]"))

    with pytest.raises(ConfigError, match="there is a provider of that name already"):
        app.provider("Local", {})


def test_an_instance_of_a_provider_that_is_not_there_is_told(tmp_path: Path) -> None:
    app = configured(tmp_path, INSTANCE.replace("Hello", "FlowGtp"))

    with pytest.raises(ConfigError) as caught:
        app.provider("mine", {})

    assert str(caught.value) == (
        f"{tmp_path / 'turnout.toml'}: providers.mine: there is no provider 'FlowGtp'; "
        "install its plugin, or correct the name; did you mean 'FlowGpt'?"
    )


def test_an_instance_of_a_provider_that_is_kept_out_is_told(
    site: Site, tmp_path: Path
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(tmp_path, f"{INSTANCE}\n[plugins]\ndeny = ['Hello']")

    with pytest.raises(ConfigError) as caught:
        app.provider("MINE", {})

    assert str(caught.value) == (
        f"{tmp_path / 'turnout.toml'}: providers.mine: there is no provider 'Hello'; "
        "install its plugin, or correct the name"
    )


def test_an_instance_of_a_broken_plugin_is_told_so(site: Site, tmp_path: Path) -> None:
    site.add("hello", "1 / 0", "Hello")
    app = configured(tmp_path, INSTANCE)

    with pytest.raises(PluginError, match="'Hello' cannot be imported"):
        app.provider("mine", {})


def test_a_table_about_a_provider_that_is_not_there_is_told(tmp_path: Path) -> None:
    app = configured(tmp_path, "[providers.FlowGtp]\nproxy = 'http://p'")

    with pytest.raises(ConfigError, match=r"providers\.FlowGtp: there is no provider"):
        app.explain("FlowGpt")


def test_a_table_about_a_provider_of_a_broken_plugin_is_no_mistake(
    site: Site, tmp_path: Path
) -> None:
    site.add("torn", "1 / 0", "Torn")
    app = configured(tmp_path, "[providers.Hello]\nproxy = 'http://p'")

    assert str(app.explain("FlowGpt").targets[0]) == "FlowGpt:gpt-3.5-turbo"
    assert refused(app, "Hello").endswith("see `turnout plugins`: 'Torn'")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param(
            "def generate(self): pass\n    def __init__(self): super().__init__()",
            r"Torn.__init__\(\) got an unexpected keyword argument 'info'",
            id="another constructor",
        ),
        pytest.param(
            "def generate(self): pass\n"
            "    def __init__(self, **options): raise RuntimeError('no licence')",
            "no licence",
            id="raises",
        ),
        pytest.param(
            "",
            "abstract method",
            id="not whole",
        ),
    ],
)
def test_a_provider_that_cannot_be_made_is_its_plugins_error(
    site: Site, code: str, message: str
) -> None:
    site.add(
        "torn",
        f"class Torn(Provider):\n    info = ProviderInfo(name='Torn')\n    {code}\n"
        "@hookimpl\ndef turnout_providers(): return [Torn]",
        "Torn",
    )

    with pytest.raises(
        PluginError, match=rf"'Torn' of torn 1\.0 cannot be made: .*{message}"
    ):
        App(Config()).provider("Torn", {})


def test_an_error_of_the_tree_is_a_providers_own_to_raise(site: Site) -> None:
    site.add(
        "torn",
        """
        class Torn(Silent):
            info = ProviderInfo(name="Torn")

            def __init__(self, **options):
                raise UnavailableError("type something")

        @hookimpl
        def turnout_providers(): return [Torn]
        """,
        "Torn",
    )

    with pytest.raises(turnout.UnavailableError, match=r"^type something$"):
        App(Config()).provider("Torn", {})


WATCHER = """
@hookimpl
def turnout_attempt_ended(attempt): LOG.append(attempt)

@hookimpl
def turnout_order_targets(targets): return targets[::-1]
"""


def test_there_are_hooks_once_a_plugin_has_some(site: Site) -> None:
    site.add("watcher", WATCHER, "Watcher")
    app = App(Config())

    assert app.attempt_hooks() is None
    app.load_all()
    assert app.attempt_hooks() is app.hooks


def test_some_plugins_are_always_loaded(site: Site) -> None:
    site.add("watcher", WATCHER, "Watcher")
    app = App(Config(plugins=PluginRules(always=("watcher", "Absent"))))

    app.provider("FlowGpt", {})

    assert app.attempt_hooks() is app.hooks
    assert loaded(app) == {"FlowGpt", "Watcher"}


@pytest.mark.parametrize(
    ("set_", "value", "at_hand"),
    [("", "", False), ("HELLO_API_KEY", "k", True), ("HELLO_API_KEY", " ", False)],
)
def test_a_key_is_at_hand_in_its_variable(
    site: Site, monkeypatch: pytest.MonkeyPatch, set_: str, value: str, at_hand: bool
) -> None:
    site.add("hello", HELLO, "Hello")
    monkeypatch.setenv(set_ or "OTHER", value)
    app = App(Config())

    assert app.key_at_hand(app.entry("Hello")) == at_hand


def test_a_key_is_at_hand_in_the_file(site: Site, tmp_path: Path) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(tmp_path, "[providers.Hello]\napi_key = 'k'")

    assert app.key_at_hand(app.entry("Hello"))
    assert app.provider("Hello", {}).api_key == Secret("k")


def test_a_provider_without_a_variable_has_no_key_at_hand() -> None:
    app = App(Config())

    assert not app.key_at_hand(app.entry("FlowGpt"))


def test_a_route_is_made_of_targets_in_any_form(site: Site) -> None:
    site.add("hello", HELLO, "Hello")
    echo = Echo()
    app = App(Config(aliases={"fast": "Hello:hello-2"}))

    route = app.route(
        ("Hello", "fast", echo, echo.target("echo-1"), "Hello:hello-1"), {"deadline": 5}
    )

    assert [str(bound.target) for bound in route.targets] == [
        "Hello:hello-1",
        "Hello:hello-2",
        "Echo:echo-1",
    ]
    assert route.policy == Policy(deadline=5)
    assert route.targets[2] == BoundTarget(echo, "echo-1")
    assert route.targets[0].provider is route.targets[1].provider


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (None, "a NoneType"),
        (5, "an int"),
        (["Hello"], "a list"),
        (FakeProvider, "the class FakeProvider"),
    ],
)
def test_what_is_no_target_is_refused(target: object, told: str) -> None:
    with pytest.raises(ArgumentError, match=rf"^a target is a name, .* not {told}$"):
        App(Config()).route((target,), {})


@pytest.mark.parametrize("name", [None, 5, FakeProvider])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(ArgumentError, match="a provider's name is a text, not "):
        App(Config()).provider(name, {})


def test_a_route_without_targets_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs at least one target"):
        App(Config()).route((), {})


def test_the_configurations_route_has_its_policy(site: Site, tmp_path: Path) -> None:
    app = configured(
        tmp_path,
        "[routes.mine]\ntargets = ['FlowGpt', 'Local']\nmax_attempts = 2\n"
        "[aliases]\nfast = 'mine'",
    )

    for name in ("mine", "fast"):
        route = app.route_for(name)
        assert route.policy == Policy(max_attempts=2)
        assert [bound.target.provider for bound in route.targets] == [
            "FlowGpt",
            "Local",
        ]


TABLES = """
[routes.mine]
targets = [
    "FlowGpt",
    { target = "fast", temperature = 0.1, extra = { a = 1 } },
    { target = "inner", extra = { a = 2, b = { c = 3 } } },
]
[routes.inner]
targets = ["Local", { target = "Local", seed = 1, extra = { a = 0, d = 4 } }, "Local"]
[aliases]
fast = "FlowGpt"
"""


def test_a_target_of_the_configurations_route_has_its_own_options(
    tmp_path: Path,
) -> None:
    app = configured(tmp_path, TABLES)

    route = app.route_for("mine")

    assert [(bound.model, bound.options) for bound in route.targets] == [
        ("gpt-3.5-turbo", {}),
        ("gpt-3.5-turbo", {"temperature": 0.1, "extra": {"a": 1}}),
        ("smollm2-135m-instruct", {"extra": {"a": 2, "b": {"c": 3}}}),
        (
            "smollm2-135m-instruct",
            {"seed": 1, "extra": {"a": 2, "b": {"c": 3}, "d": 4}},
        ),
    ]
    again = app.route(("mine", "Local"), {}).targets
    assert [bound.options for bound in again] == [
        *(bound.options for bound in route.targets),
        {},
    ]
    told = str(app.explain("mine"))
    assert "FlowGpt:gpt-3.5-turbo (it was named; with its own temperature, extra" in (
        told
    )


def test_an_option_that_a_target_cannot_do_is_told_with_its_route(
    tmp_path: Path,
) -> None:
    app = configured(
        tmp_path,
        "[routes.mine]\ntargets = ['Local', { target = 'FlowGpt', seed = 1 }]",
    )

    with pytest.raises(ConfigError) as caught:
        app.route_for("mine")

    assert str(caught.value) == (
        f"{tmp_path / 'turnout.toml'}: routes.mine: FlowGpt:gpt-3.5-turbo does not "
        "support seed; leave that out or ask another target"
    )


def test_an_option_that_some_of_several_targets_can_do_is_left_to_the_route(
    site: Site, tmp_path: Path
) -> None:
    site.add("hello", HELLO, "Hello")
    app = configured(
        tmp_path,
        "[routes.mine]\ntargets = [{ target = 'inner', seed = 1 }]\n"
        "[routes.inner]\ntargets = ['Hello', 'Local']",
    )

    route = app.route_for("mine")

    assert [bound.options for bound in route.targets] == [{"seed": 1}, {"seed": 1}]


def test_a_name_that_is_no_route_has_the_plain_policy() -> None:
    route = App(Config()).route_for("FlowGpt:gemini")

    assert route.policy == Policy()
    assert [str(bound.target) for bound in route.targets] == ["FlowGpt:google-gemini"]


def test_with_nobody_named_and_nobody_to_ask_it_is_told_what_to_do() -> None:
    app = App(Config(plugins=PluginRules(deny=("Local",))))

    with pytest.raises(ConfigError, match="name a model, or set a key"):
        app.route_for(None)


def test_with_nobody_named_the_engine_is_asked() -> None:
    route = App(Config()).route_for(None)

    assert [bound.target.provider for bound in route.targets] == ["Local"]


def test_an_unknown_model_is_told_with_plugins_set_aside(site: Site) -> None:
    site.add("torn", "1 / 0", "Torn")

    with pytest.raises(UnknownModelError, match=r"set aside.*'Torn'"):
        App(Config()).route_for("zzz")


@pytest.mark.parametrize("name", ["Torn", "torn", "Torn:m"])
def test_a_name_of_a_plugin_set_aside_gives_its_error(name: str, site: Site) -> None:
    site.add("torn", "1 / 0", "Torn")

    with pytest.raises(PluginError, match=r"'Torn'.*ZeroDivisionError"):
        App(Config()).route_for(name)


def test_many_threads_may_ask_at_first(site: Site) -> None:
    site.add("hello", HELLO, "Hello")
    app = App(Config())

    with ThreadPoolExecutor(8) as threads:
        made = [threads.submit(app.provider, "Hello", {}) for _ in range(32)]

    assert {future.result().info.name for future in made} == {"Hello"}


def test_threads_that_ask_first_at_the_same_time_get_one_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Barrier(2)
    made: list[App] = []

    class SlowApp(App):
        def __init__(self) -> None:
            # With a lock, no second thread comes here, and the barrier breaks.
            with suppress(BrokenBarrierError):
                both.wait(timeout=0.2)
            super().__init__()
            made.append(self)

    monkeypatch.setattr("turnout._app.App", SlowApp)
    current_app.cache_clear()
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(current_app), threads.submit(current_app)

    assert first.result() is second.result()
    assert made == [first.result()]


def test_the_function_of_the_app_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(current_app)) is current_app
    assert pickle.loads(pickle.dumps(current_app())) is current_app()


@pytest.mark.parametrize(
    ("signature", "body", "message"),
    [
        pytest.param(
            "self, **options",
            "pass",
            ": Torn.__init__ has not called super().__init__()",
            id="without super",
        ),
        pytest.param(
            "self",
            "super().__init__()",
            " cannot be made: TypeError: Torn.__init__() got an unexpected keyword "
            "argument 'info'",
            id="without options",
        ),
    ],
)
def test_a_provider_with_another_init_is_told_how_to_write_it(
    site: Site, signature: str, body: str, message: str
) -> None:
    code = f"""
class Torn(Silent):
    info = ProviderInfo(name="Torn")

    def __init__({signature}):
        {body}

@hookimpl
def turnout_providers():
    return [Torn]
"""
    site.add("torn", code, "Torn")

    with pytest.raises(PluginError) as caught:
        App(Config()).provider("Torn", {})

    assert str(caught.value) == (
        f"provider 'Torn' of torn 1.0{message}; write it as `def __init__(self, "
        "**options)`, and begin it with super().__init__(**options)"
    )


def test_an_entry_point_that_is_not_named_as_its_provider_is_told_so(
    site: Site,
) -> None:
    site.add("hello", HELLO, "hello-plugin")
    app = App(Config())

    assert refused(app, "hello-plugin") == (
        "unknown provider 'hello-plugin': it is the entry point of hello 1.0, which "
        "has the provider 'Hello'; ask for that name, or give the entry point the "
        "provider's name"
    )
