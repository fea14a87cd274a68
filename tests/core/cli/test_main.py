"""The command as a whole: what it loads, what it says, and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import turnout as package
from tests.core.site import Site
from turnout.cli._main import run

from .conftest import CommandLine

BROKEN = "order = 3\n"

# Without what was loaded before it, by a measurement of coverage perhaps.
_LOADED = """
import json, sys
before = set(sys.modules)
from turnout.cli._main import run
status = run(sys.argv[1:])
print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


def loaded_by(turnout: CommandLine, *arguments: str) -> set[str]:
    """Return the modules that a command has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments],
        cwd=turnout.folder,
        env=turnout.environment,
        capture_output=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


HEAVY = {
    "aiohttp",
    "asyncio",
    "http.client",
    "pydantic",
    "pydantic_core",
    "rich",
    "ssl",
}

MOST_MODULES = 40
"""Of turnout, that its version may load: a tenth more than it did."""


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_glance_loads_nothing_heavy(turnout: CommandLine, option: str) -> None:
    turnout.install("Extra")

    modules = loaded_by(turnout, option)

    assert modules & HEAVY == set()
    assert not modules & {"turnout.cli._chat", "turnout.cli._listings"}


def test_the_version_loads_no_plugin(turnout: CommandLine) -> None:
    modules = loaded_by(turnout, "--version")

    assert "turnout._app" not in modules
    assert not modules & {"importlib.metadata", "email", "platformdirs", "tomllib"}


def test_the_version_loads_few_modules(turnout: CommandLine) -> None:
    modules = loaded_by(turnout, "--version")

    own = {name for name in modules if name.partition(".")[0] == "turnout"}
    assert len(own) <= MOST_MODULES, sorted(own)


def test_finding_a_command_of_turnouts_own_loads_no_plugin(
    turnout: CommandLine,
) -> None:
    modules = loaded_by(turnout, "new-provider", "--help")

    assert "turnout.cli._new_provider" in modules
    assert "turnout_scripted" not in modules
    assert "importlib.metadata" not in modules


def test_the_version_is_the_packages(turnout: CommandLine) -> None:
    done = turnout("--version")

    assert done.stdout == f"turnout {package.__version__}\n"


def test_the_help_has_the_commands_of_plugins(turnout: CommandLine) -> None:
    turnout.install("Extra", "Faulty")

    done = turnout("--help")

    commands = done.stdout.partition("Commands:")[2].split("\n\n")[0].splitlines()
    names = [line.split()[0] for line in commands if line]
    assert names == [
        "chat",
        "logs",
        "models",
        "providers",
        "resolve",
        "plugins",
        "doctor",
        "new-provider",
        "local",
        "sing",
    ]
    assert done.stderr == "set aside, see `turnout plugins`: 'Faulty'\n"


def test_the_help_is_there_in_spite_of_the_configuration(turnout: CommandLine) -> None:
    path = turnout.configure(BROKEN)

    done = turnout("--help")

    assert done.returncode == 0
    assert "chat" in done.stdout
    assert done.stderr.startswith(
        f"the commands of plugins are not shown: {path}: order: "
    )
    assert done.stderr.count("\n") == 1


def test_a_plugins_command_runs(turnout: CommandLine) -> None:
    turnout.install("Extra")

    done = turnout("sing")

    assert (done.stdout, done.stderr, done.returncode) == ("la\n", "", 0)


def test_a_plugins_command_says_how_it_ended(turnout: CommandLine) -> None:
    turnout.install("Extra")

    done = turnout("sing", "--loudly")

    assert done.returncode == 3


def test_a_plugin_takes_no_command_from_turnout(turnout: CommandLine) -> None:
    turnout.install("Extra", "Scripted")

    done = turnout("models", "echo-1")

    assert "stolen" not in done.stdout
    assert "Echo:echo-1" in done.stdout


def test_an_unknown_command_is_told_with_its_like(turnout: CommandLine) -> None:
    done = turnout("modls")

    assert done.returncode == 2
    assert done.stderr.endswith(
        "Error: unknown command 'modls'; did you mean 'models'?\n"
    )


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        pytest.param(["hi"], '; to ask a model, type `turnout chat "hi"`', id="word"),
        pytest.param(
            ["tell me", "a joke"],
            '; to ask a model, type `turnout chat "tell me a joke"`',
            id="words",
        ),
        pytest.param(
            ["what is $HOME?"],
            "; to ask a model, type `turnout chat 'what is $HOME?'`",
            id="what a shell reads",
        ),
        pytest.param(
            ["tell", "me" + " more" * 30],
            '; to ask a model, type `turnout chat "tell me' + " more" * 14 + ' ..."`',
            id="many words",
        ),
        pytest.param(
            ["chit", "and more"],
            "; did you mean 'chat'? To ask a model, type `turnout chat \"chit and more",
            id="words like a command",
        ),
        pytest.param(
            ["echo-1"],
            '; to ask a model of this name, type `turnout chat -m echo-1 "..."`',
            id="model",
        ),
        pytest.param(
            ["Echo:new", "Say", "hi."],
            '; to ask a model of this name, type `turnout chat -m Echo:new "Say hi."`',
            id="model id",
        ),
        pytest.param(
            ["echo/new"],
            '; to ask a model of this name, type `turnout chat -m Echo:new "..."`',
            id="model id of another program",
        ),
        pytest.param(
            ["claude"],
            "; to ask a model of this name, type `turnout chat -m Anthropic:claude-",
            id="kind of model",
        ),
        pytest.param(["run", "x"], "; type `turnout chat`", id="of another program"),
        pytest.param(["pull"], "; type `turnout local pull`", id="of a group"),
        pytest.param(["help", "nope"], '; to ask a model, type `turnout chat "nope"`'),
    ],
)
def test_an_unknown_command_is_said_with_what_to_type(
    line: list[str], hint: str, inside: CommandLine
) -> None:
    done = inside(*line)

    assert (done.returncode, done.stdout) == (2, "")
    name = line[-1] if line[0] == "help" else line[0]
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"Error: unknown command {name!r}{hint}")


def test_a_name_that_goes_in_a_circle_is_not_asked(inside: CommandLine) -> None:
    inside.configure('[aliases]\nhi = "ho"\nho = "hi"\n')

    done = inside("hi")

    assert done.returncode == 2
    assert done.stderr.endswith('to ask a model, type `turnout chat "hi"`\n')


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["-m", "Echo", "Say hi."], "`turnout chat -m Echo 'Say hi.'`"),
        (["--model=Echo"], "`turnout chat -m Local`"),
    ],
)
def test_an_option_before_the_command_is_said_with_its_place(
    line: list[str], hint: str, inside: CommandLine
) -> None:
    done = inside(*line)

    assert done.returncode == 2
    option = line[0].partition("=")[0]
    assert done.stderr.endswith(
        f"Error: unknown option {option!r}; options follow the command, as in {hint}\n"
    )


@pytest.mark.parametrize(
    ("line", "same"),
    [
        (["-h"], ["--help"]),
        (["help"], ["--help"]),
        (["chat", "-h"], ["chat", "--help"]),
        (["help", "chat"], ["chat", "--help"]),
        (["help", "local", "pull"], ["local", "pull", "--help"]),
        (["local", "pull", "-h"], ["local", "pull", "--help"]),
        (["logs", "-h"], ["logs", "--help"]),
        (["logs", "show", "-h"], ["logs", "show", "--help"]),
    ],
)
def test_the_help_has_several_names(
    line: list[str], same: list[str], inside: CommandLine
) -> None:
    done, usual = inside(*line), inside(*same)

    assert done.returncode == 0
    assert done.stdout == usual.stdout
    assert done.stdout.startswith("Usage: ")


def test_an_unknown_command_of_a_plugin_set_aside_is_told(turnout: CommandLine) -> None:
    turnout.install("Faulty")

    done = turnout("faulty")

    assert done.returncode == 2
    assert "set aside, see `turnout plugins`: 'Faulty'\n" in done.stderr


def test_a_shell_completes_the_commands_of_plugins(turnout: CommandLine) -> None:
    turnout.install("Extra", "Faulty")
    turnout.environment.update(
        _TURNOUT_COMPLETE="bash_complete", COMP_WORDS="turnout ", COMP_CWORD="1"
    )

    done = turnout()

    assert "plain,sing" in done.stdout.split()
    assert "plain,chat" in done.stdout.split()
    assert done.stderr == ""


def test_a_shell_completes_the_options_of_a_command(turnout: CommandLine) -> None:
    turnout.environment.update(
        _TURNOUT_COMPLETE="bash_complete", COMP_WORDS="turnout chat --", COMP_CWORD="2"
    )

    done = turnout()

    assert "plain,--option" in done.stdout.split()
    assert done.stderr == ""


def test_a_shell_completes_what_follows_an_unknown_command(
    turnout: CommandLine,
) -> None:
    turnout.environment.update(
        _TURNOUT_COMPLETE="bash_complete", COMP_WORDS="turnout nope ", COMP_CWORD="2"
    )

    done = turnout()

    assert done.stderr == ""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["chat", "hi"], id="chat"),
        pytest.param(["models"], id="models"),
        pytest.param(["providers"], id="providers"),
        pytest.param(["resolve", "Echo"], id="resolve"),
        pytest.param(["sing"], id="a plugin's"),
    ],
)
def test_a_broken_configuration_is_one_line(
    turnout: CommandLine, command: list[str]
) -> None:
    path = turnout.configure(BROKEN)

    done = turnout(*command)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {path}: order: ")
    assert done.stderr.count("\n") == 1


def test_a_full_disk_is_one_line(turnout: CommandLine) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no device that is always full")

    with full.open("w") as stdout:
        done = subprocess.run(
            turnout.command("models"),
            cwd=turnout.folder,
            env=turnout.environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert done.returncode != 0
    assert done.stderr.startswith(b"Error: No space left on device\n")


def test_an_error_of_a_command_is_told_without_what_a_terminal_obeys(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add(
        "waving",
        """
        import click

        @hookimpl
        def turnout_commands(cli):
            @cli.command()
            def wave(): raise click.ClickException("busy\\x9b2J\\u2028\\nlater")
        """,
        "Waving",
    )

    assert run(["wave"]) == 1
    assert capsys.readouterr().err == "Error: busy2J\nlater\n"


def test_a_stream_that_is_no_file_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)

    assert run(["--version"]) == 0
    assert output.getvalue().startswith("turnout ")


def test_colour_is_for_terminals(turnout: CommandLine) -> None:
    with turnout.terminal("resolve", "nobody-bears-it") as terminal:
        assert terminal.end() == 1
    assert terminal.screen.startswith("\x1b[31mError: unknown model")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_is_not_for_those_who_want_or_can_show_none(
    turnout: CommandLine, name: str, value: str
) -> None:
    turnout.environment[name] = value

    with turnout.terminal("resolve", "nobody-bears-it") as terminal:
        assert terminal.end() == 1
    assert terminal.screen.startswith("Error: unknown model")
