"""The configuration: where it is found, and every error in it."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from blockbuster import BlockingError

from turnout import _config
from turnout._config import (
    Config,
    ProviderConfig,
    RouteConfig,
    find_config,
    read_config,
)
from turnout._plugins import PluginRules
from turnout.errors import ConfigError
from turnout.types import Secret

VALUE = "sk-canary-0123456789"


TARGETS = 'routes.mine: targets is missing or not a list of names; write ["A:x", "B"]'

UNNAMEABLE = "is not a valid name of a provider; use printable characters, and no colon"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "turnout.toml"


def read(file: Path, text: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return read_config(file)


def refused(file: Path, text: str) -> str:
    """Return the message of an error, without the file's name before it."""
    with pytest.raises(ConfigError) as caught:
        read(file, text)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


EVERYTHING = """
order = ["OpenAI", "FlowGpt"]

[aliases]
fast = "OpenAI:gpt-4o-mini"

[routes.default]
targets = ["fast", { target = "Local", seed = 1, extra = { top_k = 5 } }]
first_delta_timeout = 20.0

[providers.groq]
plugin = "OpenAI"
base_url = "https://groq.example/v1"
api_key = "env:GROQ_API_KEY"

[providers.FlowGpt]
proxy = "http://me:hidden@proxy.example:8080"

[plugins]
allow = ["FlowGpt"]
deny = ["Other"]
always = ["Watcher"]
choose = { Twin = "dist-a" }
"""


def test_a_file_is_read(file: Path) -> None:
    assert read(file, EVERYTHING) == Config(
        path=file,
        order=("OpenAI", "FlowGpt"),
        aliases={"fast": "OpenAI:gpt-4o-mini"},
        routes={
            "default": RouteConfig(
                targets=("fast", "Local"),
                options={1: {"seed": 1, "extra": {"top_k": 5}}},
                policy={"first_delta_timeout": 20.0},
            )
        },
        providers={
            "groq": ProviderConfig(
                plugin="OpenAI",
                key_variable="GROQ_API_KEY",
                options={"base_url": "https://groq.example/v1"},
            ),
            "FlowGpt": ProviderConfig(
                options={"proxy": "http://me:hidden@proxy.example:8080"}
            ),
        },
        plugins=PluginRules(
            allow=("FlowGpt",),
            deny=("Other",),
            always=("Watcher",),
            choose={"Twin": "dist-a"},
        ),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff# from an editor\n"])
def test_an_empty_file_is_an_empty_configuration(file: Path, text: str) -> None:
    assert read(file, text) == Config(path=file)


def test_no_file_is_an_empty_configuration() -> None:
    assert read_config(None) == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "order = [",
            "is not valid TOML: Invalid value (at end of document)",
            id="TOML",
        ),
        pytest.param(
            "a = " + "[" * 100_000,
            "arrays or tables are nested too deeply; flatten them",
            id="arrays too deep",
        ),
        pytest.param(
            "a = " + "{ a = " * 10_000,
            "arrays or tables are nested too deeply; flatten them",
            id="tables too deep",
        ),
        pytest.param(
            "[routes.mine]\ntargets = [{ " + "a." * 20_000 + "a = 1 }]",
            "routes.mine: targets[0]: target is missing; add it, as in "
            '{ target = "A:x" }',
            id="a deep target",
        ),
        pytest.param(
            "[providers.A]\nplugin = 0x" + "f" * 5000,
            "providers.A: plugin: an int is not the name of a provider",
            id="a plugin that is a number too long",
        ),
        pytest.param(
            "[alias]\nfast = 'x'",
            "unknown option 'alias'; did you mean 'aliases'?",
            id="table",
        ),
        pytest.param(
            "zzz = 1",
            "unknown option 'zzz'; known: order, aliases, routes, providers, plugins, "
            "cli",
            id="table like no other",
        ),
        pytest.param(
            "order = 'OpenAI'",
            "order: input should be a list, not 'OpenAI'",
            id="order",
        ),
        pytest.param(
            "order = ['A', 5]",
            "order.1: input should be a valid string, not 5",
            id="name in order",
        ),
        pytest.param(
            "aliases = ['a']",
            "aliases: input should be a table of keys and values, not a list",
            id="aliases",
        ),
        pytest.param(
            "[aliases]\nfast = ['a']",
            "aliases.fast: input should be a valid string, not ['a']",
            id="alias",
        ),
        pytest.param(
            "[aliases]\nfast = ''",
            "aliases.fast: string should have at least 1 character, not ''",
            id="empty alias",
        ),
        pytest.param(
            "[routes]\nmine = ['A']",
            "routes.mine: input should be a table of keys and values, not a list",
            id="route",
        ),
        pytest.param(
            "[routes.mine]\ntarget = ['A']",
            "routes.mine: unknown option 'target'; did you mean 'targets'?",
            id="misspelt targets",
        ),
        pytest.param(
            "[routes.mine]\ndeadline = 5",
            TARGETS,
            id="route without targets",
        ),
        pytest.param(
            "[routes.mine]\ntargets = []",
            TARGETS,
            id="no targets",
        ),
        pytest.param(
            "[routes.mine]\ntargets = 'A'",
            TARGETS,
            id="targets as a text",
        ),
        pytest.param(
            "[routes.mine]\ntargets = ['A', 5]",
            "routes.mine: targets[1]: 5 is not the name of a target",
            id="target",
        ),
        pytest.param(
            "[routes.mine]\ntargets = ['A', '']",
            "routes.mine: targets[1]: '' is not the name of a target",
            id="empty target",
        ),
        pytest.param(
            "[routes.mine]\ntargets = ['A', { target = 5 }]",
            "routes.mine: targets[1]: 5 is not the name of a target",
            id="target of a table",
        ),
        pytest.param(
            "[routes.mine]\ntargets = [{ target = 'A', temprature = 1 }]",
            "routes.mine: targets[0]: unknown option 'temprature'; did you mean "
            "'temperature'?",
            id="option of a target",
        ),
        pytest.param(
            "[routes.mine]\ntargets = [{ target = 'A', temperature = 'warm' }]",
            "routes.mine: targets[0]: temperature='warm' is a str, not a number",
            id="value of an option of a target",
        ),
        pytest.param(
            "[routes.mine]\ntargets = [{ target = 'A', extra = 5 }]",
            "routes.mine: targets[0]: extra is a int, not a mapping",
            id="extra of a target",
        ),
        pytest.param(
            "[routes.mine]\ntargets = [{ target = 'A', deadline = 5 }]",
            "routes.mine: targets[0]: deadline is not an option of a target, as it "
            "covers all attempts of a request; set it in the call, or set "
            "first_delta_timeout of the provider",
            id="deadline of a target",
        ),
        pytest.param(
            "[routes.mine]\ntargets = [{ target = 'A', model = 'b' }]",
            "routes.mine: targets[0]: model is not an option of a target, which names "
            "its model; remove it",
            id="model of a target",
        ),
        pytest.param(
            "[aliases]\nmine = 'A'\n[routes.mine]\ntargets = ['A']",
            "routes.mine: an alias has the same name; use another",
            id="route and alias",
        ),
        pytest.param(
            "[providers.my-llm]\nplugin = 'A'\n[routes.MyLLM]\ntargets = ['A']",
            "routes.MyLLM: a provider has the same name; use another",
            id="route and instance",
        ),
        pytest.param(
            f"[providers]\nOpenAI = '{VALUE}'",
            "providers.OpenAI: input should be a table of keys and values, not a str",
            id="a key in place of a table",
        ),
        pytest.param(
            "providers = 3",
            "providers: input should be a table of keys and values, not an int",
            id="a number in place of a table",
        ),
        pytest.param(
            "[providers.A]\nplugin = 5",
            "providers.A: plugin: 5 is not the name of a provider",
            id="plugin",
        ),
        pytest.param(
            "[providers.A]\nplugin = ''",
            "providers.A: plugin: '' is not the name of a provider",
            id="empty plugin",
        ),
        pytest.param(
            "[providers.'a:b']\nplugin = 'A'",
            "providers: 'a:b' " + UNNAMEABLE,
            id="colon",
        ),
        pytest.param(
            "[providers.' ']\nplugin = 'A'",
            "providers: ' ' " + UNNAMEABLE,
            id="blank name",
        ),
        pytest.param(
            '[providers."a\\tb"]\nplugin = "A"',
            "providers: 'a\\tb' " + UNNAMEABLE,
            id="unprintable name",
        ),
        pytest.param(
            "[providers.FlowGpt]\n[providers.flow-gpt]",
            "providers.flow-gpt: the same name as providers.FlowGpt, as case, `-`, `_` "
            "and spaces are ignored; merge the two tables",
            id="two tables of one provider",
        ),
        *(
            pytest.param(
                f"[providers.A]\napi_key = {key}",
                'providers.A: api_key is not a key; set the key, or "env:NAME" for the '
                "environment variable that has it",
                id=f"api_key {key}",
            )
            for key in ("''", "' '", "'env:'", "'env: '", "5", f"['{VALUE}']")
        ),
        pytest.param(
            "plugins = ['A']",
            "plugins: input should be a table of keys and values, not a list",
            id="plugins",
        ),
        pytest.param(
            "[plugins]\nallowed = ['A']",
            "plugins: unknown option 'allowed'; did you mean 'allow'?",
            id="rule",
        ),
        pytest.param(
            "[plugins]\nallow = 'A'",
            "plugins: allow: input should be a list, not 'A'",
            id="allow",
        ),
        pytest.param(
            "[plugins]\nchoose = ['A']",
            "plugins: choose: input should be a table of keys and values, not a list",
            id="choose",
        ),
        pytest.param(
            "order = 5\nzzz = 1\n",
            "order: input should be a list, not 5; unknown option 'zzz'; known: "
            "order, aliases, routes, providers, plugins, cli",
            id="two at once",
        ),
    ],
)
def test_an_error_names_the_key_and_what_is_expected(
    file: Path, text: str, message: str
) -> None:
    told = refused(file, text)

    assert told == message.replace("{file}", str(file))
    assert VALUE not in told


def test_a_number_of_too_many_digits_is_an_error(file: Path) -> None:
    # The message is Python's own, which differs between versions.
    assert refused(file, "a = " + "9" * 5000).startswith("is not valid TOML: ")


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)

    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_file_in_another_encoding_is_an_error(file: Path) -> None:
    file.write_bytes(b"order = ['\xff']")

    with pytest.raises(ConfigError) as caught:
        read_config(file)

    assert str(caught.value) == f"{file}: cannot be read: it is not UTF-8"


@pytest.mark.parametrize("mistake", ["order = [", "order = 5", "[routes.mine]"])
def test_a_key_in_the_file_is_not_in_the_traceback_of_an_error(
    file: Path, mistake: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(file, f"{mistake}\n[providers.A]\napi_key = '{VALUE}'")
    error = caught.value
    told = traceback.TracebackException(type(error), error, None)
    shown: list[str] = []
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == _config.__file__:
            shown += map(repr, frames.tb_frame.f_locals.values())
        frames = frames.tb_next

    assert shown
    assert VALUE not in "".join([*told.format(), *shown])
    assert error.__context__ is None


def test_a_key_in_the_file_is_a_secret(file: Path) -> None:
    config = read(
        file, f"[providers.A]\napi_key = '{VALUE}'\nproxy = 'http://{VALUE}@p'"
    )

    assert config.providers["A"].options["api_key"] == Secret(VALUE)
    assert config.providers["A"].key_variable is None
    assert VALUE not in repr(config)


def test_a_key_may_be_in_a_variable(file: Path) -> None:
    config = read(file, "[providers.A]\napi_key = 'env: MY_KEY'")

    assert config.providers["A"] == ProviderConfig(key_variable="MY_KEY")


@pytest.mark.skipif(os.name != "posix", reason="the bits say nothing elsewhere")
@pytest.mark.parametrize(
    ("mode", "exposed"),
    [(0o600, ()), (0o400, ()), (0o644, ("A",)), (0o640, ("A",)), (0o604, ("A",))],
)
def test_a_key_that_others_can_read_is_warned_about(
    file: Path, mode: int, exposed: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(f"[providers.A]\napi_key = '{VALUE}'\n[providers.B]\nproxy = 'x'")
    file.chmod(mode)

    config = read_config(file)

    assert config.exposed == exposed
    warned = [(r.name, r.levelno, r.getMessage()) for r in caplog.records]
    told = f"{file} has keys and other users can read it; run: chmod 600 {file}"
    assert warned == [("turnout", logging.WARNING, told)] * len(exposed)


@pytest.mark.parametrize("text", ["", "[providers.A]\napi_key = 'env:MY_KEY'"])
def test_a_file_without_keys_may_be_read_by_others(
    file: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(text)
    file.chmod(0o644)

    assert read_config(file).exposed == ()
    assert not caplog.records


def test_nothing_is_logged_on_systems_without_posix_modes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f"[providers.A]\napi_key = '{VALUE}'")
    file.chmod(0o644)
    monkeypatch.setattr(_config, "os", SimpleNamespace(name="nt"))

    assert read_config(file).exposed == ()


@pytest.mark.parametrize("name", ["flowgpt", "FLOW_GPT", "Flow Gpt"])
def test_a_table_is_found_by_its_providers_name(file: Path, name: str) -> None:
    config = read(file, "[providers.Other]\n[providers.FlowGpt]\nproxy = 'http://p'")

    found = config.table_of(name)

    assert found is not None
    assert found[0] == "FlowGpt"
    assert found[1].options == {"proxy": "http://p"}
    assert config.table_of("Absent") is None


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the file in the user's own folder."""
    folder = tmp_path / "users"

    def user_config_path(name: str, *, appauthor: bool) -> Path:
        assert not appauthor
        return folder / name

    monkeypatch.setattr("platformdirs.user_config_path", user_config_path)
    path = folder / "turnout" / "turnout.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the file in the working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder / "turnout.toml"


def test_without_a_file_none_is_found(here: Path, users: Path) -> None:
    assert find_config() is None


def test_the_users_file_is_found(here: Path, users: Path) -> None:
    users.touch()

    assert find_config() == users


def test_the_working_directorys_file_comes_before_the_users(
    here: Path, users: Path
) -> None:
    users.touch()
    here.touch()

    # An absolute path, as the directory may change.
    assert find_config() == here


def test_the_variables_file_comes_first(
    here: Path, users: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "named.toml"
    for path in (named, here, users):
        path.touch()
    monkeypatch.setenv("TURNOUT_CONFIG", str(named))

    assert find_config() == named


def test_the_variable_may_name_a_file_in_the_home_directory(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("TURNOUT_CONFIG", "~/named.toml")
    (tmp_path / "named.toml").touch()

    assert find_config() == tmp_path / "named.toml"


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("/no/such/file.toml", "which is not a file; correct it"),
        ("/", "which is not a file; correct it"),
        (f"{__file__}/turnout.toml", "which is not a file; correct it"),
        (
            "~no-such-user/x",
            "whose home directory is not known; write the full path",
        ),
        ("x" * 5000, "which cannot be read: File name too long"),
    ],
)
def test_the_variable_has_to_name_a_file(
    named: str, fault: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.touch()
    monkeypatch.setenv("TURNOUT_CONFIG", named)

    with pytest.raises(ConfigError) as caught:
        find_config()

    assert str(caught.value) == f"TURNOUT_CONFIG names {named!r}, {fault}"


def test_a_blank_variable_names_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.touch()
    monkeypatch.setenv("TURNOUT_CONFIG", " ")

    assert find_config() == here


@pytest.fixture
def empty(file: Path) -> Path:
    file.touch()
    return file


async def test_the_guard_against_blocking_calls_is_on(empty: Path) -> None:
    with pytest.raises(BlockingError):
        read_config(empty)
