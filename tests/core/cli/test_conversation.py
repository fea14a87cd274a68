"""A conversation on a terminal."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path

import pytest

from turnout.cli._views import TextView

from .conftest import CommandLine


@pytest.fixture(autouse=True)
def no_colour(turnout: CommandLine) -> None:
    turnout.environment["NO_COLOR"] = "1"


def test_the_conversation_is_kept(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo", "-s", "Be brief.") as terminal:
        greeting = terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("system=Be brief.|user=One.|\n> ")
        terminal.type("\n   \nTwo.\n")
        answer = terminal.expect("user=Two.|\n")
        terminal.expect("> ")
        terminal.type("\x04")

        assert terminal.end() == 0

    assert greeting == (
        "Asking Echo:echo-1. /help lists the commands, Ctrl-D ends.\n> "
    )
    assert answer.endswith(
        "system=Be brief.|user=One.|assistant=system=Be brief.|user=One.||user=Two.|\n"
    )


def test_a_line_can_be_edited(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        # Left, then what was forgotten; then the line before it again.
        terminal.type("Oe\x1b[Dn\n")
        terminal.expect("user=One|\n> ")
        terminal.type("\x1b[A!\n")
        terminal.expect("user=One!|\n")


def test_an_interrupted_answer_is_kept_as_far_as_it_came(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Slow") as terminal:
        terminal.expect("> ")
        terminal.type("Count.\n")
        terminal.expect("one two")
        terminal.type("\x03")
        stopped = terminal.expect("> ")
        terminal.type("Go on.\n")
        terminal.expect("user=Count.|assistant=one two |user=Go on.|\n> ")
        terminal.type("\x04")

        assert terminal.end() == 0

    assert stopped == "^C\nStopped. Ctrl-D ends.\n> "


def test_a_question_without_an_answer_is_not_kept(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Down", "-m", "Slow") as terminal:
        terminal.expect("> ")
        terminal.type("silence\n")
        terminal.expect("asking Slow\n")
        terminal.type("\x03")
        terminal.expect("> ")
        terminal.type("Count.\n")
        terminal.expect("one two")
        terminal.type("\x03")
        terminal.expect("> ")
        terminal.type("Go on.\n")
        terminal.expect("asking Slow\nuser=Count.|assistant=one two |user=Go on.|\n> ")


def test_an_interrupted_prompt_ends(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("half a li")
        terminal.expect("half a li")

        assert terminal.interrupt() == 130


def test_an_error_ends_nothing(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Torn") as terminal:
        terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("half an ans\nError: Torn: the connection to torn.example was")
        terminal.expect("> ")
        terminal.type("\x04")

        assert terminal.end() == 0


def test_files_go_with_the_first_question(turnout: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("seven")

    with turnout.terminal("chat", "-m", "Echo", "-a", "notes.txt") as terminal:
        terminal.expect("> ")
        terminal.type("Read.\n")
        terminal.expect("user=Read.\n\nnotes.txt:\n\nseven|\n> ")
        terminal.type("Again.\n")
        terminal.expect("|user=Again.|\n")


def test_whom_it_asks_is_told_in_short(turnout: CommandLine) -> None:
    targets = ["-m", "Down", "-m", "Torn", "-m", "Echo", "-m", "Echo:echo-2"]

    with turnout.terminal("chat", *targets) as terminal:
        greeting = terminal.expect("> ")

    assert greeting.startswith(
        "Asking Down:down-1, then Torn:torn-1, then Echo:echo-1 and 1 more. "
    )


def test_what_goes_into_a_file_is_the_answers(
    turnout: CommandLine, tmp_path: Path
) -> None:
    output = tmp_path / "answers"

    with turnout.terminal("chat", "-m", "Echo", "--json", stdout=output) as terminal:
        terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0

    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["text", "usage", "finish", "reply"]


def test_an_interruption_ends_the_line_in_a_file(
    turnout: CommandLine, tmp_path: Path
) -> None:
    output = tmp_path / "answers"

    with turnout.terminal("chat", "-m", "Slow", "Hi", stdout=output) as terminal:
        while not (output.exists() and output.read_text()):
            time.sleep(0.01)
        terminal.type("\x03")
        assert terminal.end() == 130

    assert output.read_text() == "one two \n"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_told_inside_an_answer_has_its_own_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    view = TextView()

    view.show("half an ans")
    view.note("one went, another goes on")
    view.show("wer.\n")
    view.note("it goes on still")

    assert screen.getvalue() == (
        "half an ans\none went, another goes on\nwer.\nit goes on still\n"
    )
