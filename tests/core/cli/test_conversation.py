"""A conversation on a terminal."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

import pytest

from turnout.cli._reader import Reader
from turnout.cli._readiness import lacks
from turnout.cli._views import TextView
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import ReasoningDelta

from .conftest import CommandLine
from .screen import shown


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

    assert stopped == "\nStopped. Ctrl-D ends.\n> "


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


PASTE = "\x1b[200~{}\x1b[201~"
"""A paste, as a terminal sends it that was asked to say so."""


def test_a_paste_is_one_message(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo", "--raw") as terminal:
        terminal.expect("> ")
        assert b"\x1b[?2004h" in terminal.sent
        terminal.type(PASTE.format("one\n\n/two\nexit\n  three") + "\n")
        terminal.expect("user=one\n\n/two\nexit\n  three|\n> ")
        terminal.type("\x04")

        assert terminal.end() == 0


@pytest.mark.parametrize("without", ["GNU readline", "readline", "escapes"])
def test_a_paste_is_one_message_without_its_marks_too(
    turnout: CommandLine, without: str
) -> None:
    site = turnout.folder / "site"
    if without == "escapes":
        turnout.environment["TERM"] = "dumb"
    elif without == "readline":
        (site / "sitecustomize.py").write_text(
            "import sys\nsys.modules['readline'] = None\n"
        )
    else:  # Python says so of libedit in `readline.__doc__`.
        (site / "sitecustomize.py").write_text(
            "import readline\nreadline.__doc__ = 'using libedit readline'\n"
        )

    with turnout.terminal("chat", "-m", "Echo", "--raw") as terminal:
        terminal.expect("> ")
        terminal.type("é one\n\ntwo\nthree\n")
        terminal.expect("4 lines came together and are sent as one message\n")
        terminal.expect("user=é one\n\ntwo\nthree|\n> ")
        terminal.type("Again.\n")
        terminal.expect("|user=Again.|\n> ")
        terminal.type("\x04")

        assert terminal.end() == 0


def test_a_paste_is_one_message_if_the_output_is_a_file(
    turnout: CommandLine, tmp_path: Path
) -> None:
    output = tmp_path / "answers"

    with turnout.terminal("chat", "-m", "Echo", stdout=output) as terminal:
        terminal.expect("> ")
        terminal.type("one\ntwo\n")
        terminal.expect("2 lines came together")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0

    assert output.read_text() == "user=one\ntwo|\n"


def test_quotes_stand_around_a_message_of_several_lines(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo", "--raw") as terminal:
        for lines, sent in [
            (['"""one', "", '  two"""'], "one\n\n  two"),
            (['"""', "/help", '"""'], "/help"),
            (['  """one"""'], "one"),
            (['"""', '"""', "last"], "last"),
        ]:
            terminal.expect("> ")
            for line in lines:
                terminal.type(f"{line}\n")
                terminal.expect(f"{line}\n")
            terminal.expect(f"user={sent}|\n")


def test_a_message_that_is_not_closed_is_not_sent(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type('"""one\n')
        terminal.expect("... ")
        terminal.type("\x03")
        terminal.expect("Press Ctrl-C again or Ctrl-D to end.\n> ")
        terminal.type('"""two\n')
        terminal.expect("... ")
        terminal.type("\x04")

        assert terminal.end() == 0

    assert "user=" not in terminal.screen


def test_a_conversation_with_an_engine_that_is_not_there_says_what_to_do(
    turnout: CommandLine,
) -> None:
    turnout.configure('[routes.default]\ntargets = ["Bare"]\n')

    with turnout.terminal("chat") as terminal:
        terminal.expect("Asking Bare:bare-1. ")
        terminal.expect("> ")
        terminal.type("Hi.\n")
        terminal.expect("type `fetch it`; or set a key, such as ")
        terminal.expect("> ")


@pytest.mark.parametrize("line", ["exit", "/bye", " Quit "])
def test_words_that_end_a_conversation(turnout: CommandLine, line: str) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type(f"{line}\n")

        assert terminal.end() == 0

    assert "user=" not in terminal.screen


def test_a_message_that_is_not_utf_8_is_not_sent(turnout: CommandLine) -> None:
    (turnout.folder / "site" / "sitecustomize.py").write_text(
        "import sys\nsys.modules['readline'] = None\n"
    )

    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("caf\udce9\n")
        terminal.expect("Error: the message is not UTF-8; convert it\n> ")
        terminal.type("café\n")
        terminal.expect("\nuser=café|\n> ")


def test_an_unknown_command_is_not_sent(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("/hepl me\n")
        terminal.expect(
            "Error: unknown command '/hepl'; /help lists the commands; to send the "
            "line, type a space first; did you mean '/help'?\n> "
        )
        terminal.type(" /hepl me\n")
        terminal.expect("user=/hepl me|\n> ")
        terminal.type("/help\n")
        help_text = terminal.expect("Ctrl-C stops an answer.\n> ")

    assert "/model NAME    ask another one\n" in help_text


@pytest.mark.parametrize("command", ["/clear", "/help", "/bye"])
def test_an_argument_to_a_command_that_takes_none_is_refused(
    turnout: CommandLine, command: str
) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("user=One.|\n> ")
        terminal.type(f"{command} now\n")
        terminal.expect(
            f"Error: {command} takes no argument; type {command} alone; to send the "
            "line, type a space first\n> "
        )
        terminal.type("Two.\n")
        terminal.expect("user=One.|")


def test_another_model_can_be_asked(turnout: CommandLine) -> None:
    turnout.configure('[routes.mine]\ntargets = ["Down", "Echo:echo-2"]\n')

    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("user=One.|\n> ")
        terminal.type("/model\n")
        terminal.expect("Asking Echo:echo-1.\n> ")
        terminal.type("/model ehco-1\n")
        terminal.expect("Error: unknown model 'ehco-1'; did you mean 'echo-1'")
        terminal.expect("> ")
        terminal.type("/model mine\n")
        terminal.expect("Asking Down:down-1, then Echo:echo-2.\n> ")
        terminal.type("Two.\n")
        terminal.expect("asking Echo\n")
        terminal.expect("user=One.|assistant=user=One.||user=Two.|\n> ")


def test_a_model_that_is_not_ready_is_announced_at_once(turnout: CommandLine) -> None:
    with turnout.terminal(
        "chat", "-m", "OpenAI:x", "-m", "Echo", "-m", "OpenAI:y"
    ) as t:
        greeting = t.expect("> ")

    assert greeting == (
        "Asking OpenAI:x, then Echo:echo-1, then OpenAI:y. /help lists the "
        "commands, Ctrl-D ends.\n"
        "OpenAI needs a key; set OPENAI_API_KEY in the environment, or api_key in "
        "turnout.toml or in code\n> "
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("OpenAI", "OpenAI needs a key; set OPENAI_API_KEY in the environment, or "),
        ("Bare", "Bare: the engine is not here; type `fetch it`; "),
        ("Mute", "Mute: it cannot say what it lacks: RuntimeError"),
    ],
)
def test_the_model_is_not_changed_to_one_that_is_not_ready(
    turnout: CommandLine, name: str, reason: str
) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type(f"/model {name}\n")
        error = terminal.expect("> ")
        terminal.type("/model\n")
        names = terminal.expect("> ")

    assert f"Error: {reason}" in error
    assert error.endswith("the model is not changed\n> ")
    assert names.endswith("Asking Echo:echo-1.\n> ")


def test_a_refused_model_is_not_kept_as_asked(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("/model Bare\n")
        terminal.expect("the model is not changed\n> ")
        terminal.type("One.\n")
        terminal.expect("user=One.|\n> ")

    [kept] = json.loads(turnout("logs", "--json").stdout)
    assert [exchange["asked"] for exchange in kept["exchanges"]] == [["Echo"]]


def test_a_refused_model_has_no_advice_for_the_default_route(
    turnout: CommandLine,
) -> None:
    turnout.configure('[routes.default]\ntargets = ["Echo"]\n')

    with turnout.terminal("chat") as terminal:
        terminal.expect("> ")
        terminal.type("/model Bare\n")
        error = terminal.expect("\n> ")

    assert error.endswith("type `fetch it`; the model is not changed\n> ")


def test_a_provider_that_lacks_something_that_is_not_text_is_announced(
    turnout: CommandLine,
) -> None:
    plugin = turnout.folder / "site" / "turnout_scripted.py"
    raising = 'raise RuntimeError("nobody asked")'
    plugin.write_text(plugin.read_text().replace(raising, "return 3"))

    with turnout.terminal("chat", "-m", "Mute", "-m", "Echo") as terminal:
        greeting = terminal.expect("> ")

    assert "Mute: it cannot say what it lacks: TypeError" in greeting


def test_an_interruption_of_what_a_provider_lacks_is_not_its_fault() -> None:
    class Interrupted(FakeProvider):
        def unavailable(self) -> str | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lacks(Route([Interrupted().target()]))


def test_the_model_is_changed_to_a_route_of_which_one_target_is_ready(
    turnout: CommandLine,
) -> None:
    turnout.configure('[routes.mine]\ntargets = ["Bare", "Echo"]\n')

    with turnout.terminal("chat", "-m", "Echo:echo-2") as terminal:
        terminal.expect("> ")
        terminal.type("/model mine\n")
        terminal.expect(
            "Asking Bare:bare-1, then Echo:echo-1.\n"
            "Bare: the engine is not here; type `fetch it`\n> "
        )


def test_keys_that_are_typed_during_an_answer_are_not_shown(
    turnout: CommandLine,
) -> None:
    with turnout.terminal("chat", "-m", "Slow") as terminal:
        terminal.expect("> ")
        terminal.type("Count.\n")
        terminal.expect("one two")
        terminal.type("\x1b[A\x1b[B\x1b[C")
        terminal.type("\x03")
        stopped = terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("user=Count.|assistant=one two |user=One.|\n> ")

    assert stopped == "\nStopped. Ctrl-D ends.\n> "


def test_what_is_typed_during_an_answer_is_the_next_message(
    turnout: CommandLine,
) -> None:
    answer = turnout.folder / "answer.md"

    with turnout.terminal("chat", "-m", "Writer") as terminal:
        os.mkfifo(answer)  # Reading it waits until it is written.
        terminal.expect("> ")
        terminal.type("One.\n")
        while b"waiting for Writer" not in terminal.sent:
            terminal.wait()
        echoes = terminal.echoes
        terminal.type("/model Echo\n/mo")
        answer.write_text("It is so.")
        shown_next = terminal.expect("Asking Echo:echo-1.\n> ")
        terminal.expect("/mo")
        terminal.type("del\n")
        terminal.expect("Asking Echo:echo-1.\n> ")

    assert not echoes
    assert shown_next.startswith("One.\nIt is so.\n> /model")


def test_the_terminal_shows_what_is_typed_after_the_conversation(
    turnout: CommandLine,
) -> None:
    with turnout.terminal("chat", "-m", "Slow") as terminal:
        terminal.expect("> ")
        terminal.type("Count.\n")
        terminal.expect("one two")
        during = terminal.echoes
        terminal.type("\x03")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
        after = terminal.echoes

    assert (during, after) == (False, True)


def test_keys_are_left_as_they_are_without_termios(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    monkeypatch.setattr(sys, "stdin", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setitem(sys.modules, "termios", None)

    with Reader().no_echo():
        screen.write("answer")

    assert screen.getvalue() == "answer"


def test_a_conversation_can_be_cleared(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo", "-s", "Be brief.") as terminal:
        terminal.expect("> ")
        terminal.type("One.\n")
        terminal.expect("user=One.|\n> ")
        terminal.type("/clear\n")
        terminal.expect("The conversation is cleared.\n> ")
        terminal.type("Two.\n")
        answer = terminal.expect("user=Two.|\n> ")

    assert answer.endswith("\nsystem=Be brief.|user=Two.|\n> ")


def test_a_conversation_can_be_saved(turnout: CommandLine) -> None:
    (turnout.folder / "cat.png").write_bytes(b"\x89PNG")
    (turnout.folder / "old.md").write_text("old")
    attachments = ["-a", "cat.png", "-a", "https://cats.example/paper.pdf"]

    with turnout.terminal("chat", "-m", "Echo", *attachments) as terminal:
        terminal.expect("> ")
        terminal.type("/save cats.md\n")
        terminal.expect("nothing was said yet, so there is nothing to save\n> ")
        terminal.type("Cats? é\n")
        terminal.expect("FilePart|\n> ")
        terminal.type("/save\n")
        terminal.expect("Error: /save needs the name of a file: /save FILE\n> ")
        terminal.type("/save cats.txt\n")
        terminal.expect("'cats.txt' has an unknown ending; use .md or .json")
        terminal.expect("> ")
        terminal.type("/save nowhere/cats.md\n")
        terminal.expect("Error: No such file or directory: 'nowhere/cats.md'\n> ")
        terminal.type("/save cats.json\n")
        terminal.expect("Saved to cats.json.\n> ")
        for answer in ("n\n", "\x03", "\x04"):
            terminal.type("/save old.md\n")
            terminal.expect("Replace old.md? [y/N]:")
            terminal.type(answer)
            terminal.expect("Not saved.\n> ")
        assert (turnout.folder / "old.md").read_text() == "old"
        terminal.type("/save old.md\n")
        terminal.expect("Replace old.md? [y/N]:")
        terminal.type("y\n")
        terminal.expect("Saved to old.md.\n> ")

    user, assistant = json.loads((turnout.folder / "cats.json").read_text("utf-8"))
    assert user["role"] == "user"
    assert user["content"][0] == {"type": "text", "text": "Cats? é"}
    assert user["content"][1]["type"] == "image_url"
    assert assistant == {
        "role": "assistant",
        "content": "user=Cats? é|ImagePart|FilePart|",
    }
    assert (turnout.folder / "old.md").read_text("utf-8") == (
        "## User\n\nCats? é\n\n[image]\n\n[file: https://cats.example/paper.pdf]\n\n"
        "## Assistant\n\nuser=Cats? é|ImagePart|FilePart|\n"
    )


def test_an_interrupted_prompt_goes_on(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("half a li")
        terminal.expect("half a li")
        terminal.type("\x03")
        terminal.expect("Press Ctrl-C again or Ctrl-D to end.\n> ")
        terminal.type("One.\n")
        terminal.expect("user=One.|\n> ")
        terminal.type("\x03")
        terminal.expect("Press Ctrl-C again or Ctrl-D to end.\n> ")

        assert terminal.interrupt() == 130


def test_files_that_are_gone_are_told(turnout: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("seven")

    with turnout.terminal("chat", "-m", "Echo", "-a", "notes.txt") as terminal:
        terminal.expect("> ")
        (tmp_path / "notes.txt").unlink()
        terminal.type("Read.\n")
        terminal.expect("Error: No such file or directory: ")
        terminal.expect("> ")


def test_an_answer_without_what_is_asked_for_ends_nothing(
    turnout: CommandLine,
) -> None:
    with turnout.terminal("chat", "-m", "Echo", "-x") as terminal:
        terminal.expect("> ")
        terminal.type("Hi.\n")
        terminal.expect("Error: the answer has no complete fenced code block\n> ")
        terminal.type('"""x\n```\ncode\n```\n."""\n')
        terminal.expect("\ncode\n> ")


def test_what_is_waited_for_is_shown(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Down", "-m", "Slow", "silence") as terminal:
        terminal.expect("asking Slow\n")
        while "waiting for Slow… 2 s" not in terminal.sent.decode():
            terminal.wait()

        assert terminal.interrupt() == 130

    rows = shown(terminal.sent)
    assert rows == [
        "Down: cannot reach down.example: its name is not known; asking Slow"
    ]


def test_what_is_waited_for_fits_in_a_line(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Thinker", "Hi", columns=12) as terminal:
        assert terminal.end() == 0

    assert b"\rwaiting for\x1b[K" in terminal.sent
    assert shown(terminal.sent, 12)[0] == "Reasoning:"


@pytest.mark.parametrize(
    "arguments", [["Torn"], ["Down", "--json"], ["Mute", "-x"], ["Echo", "-x"]]
)
@pytest.mark.parametrize("into_file", [False, True])
def test_the_line_of_what_is_waited_for_is_cleared_before_an_error(
    turnout: CommandLine, tmp_path: Path, arguments: list[str], into_file: bool
) -> None:
    output = tmp_path / "answer" if into_file else None

    with turnout.terminal(
        "chat", "-m", *arguments, "Hi", stdout=output, columns=12
    ) as terminal:
        assert terminal.end() == 1

    assert b"waiting for" in terminal.sent
    rows = shown(terminal.sent, 12)
    assert "Error:" in "".join(rows)
    assert not any("waiting" in row for row in rows)


@pytest.mark.parametrize("form", ["--raw", "-x"])
def test_an_answer_in_any_form_can_be_stopped(turnout: CommandLine, form: str) -> None:
    with turnout.terminal("chat", "-m", "Slow", form) as terminal:
        terminal.expect("> ")
        terminal.type("Count.\n")
        while (b"one two" if form == "--raw" else b"waiting") not in terminal.sent:
            terminal.wait()
        terminal.type("\x03")
        terminal.expect("Stopped. Ctrl-D ends.\n> ")
        terminal.type("\x04")

        assert terminal.end() == 0


def test_an_empty_answer_shows_nothing(turnout: CommandLine) -> None:
    empty = ["-o", "allow_empty=true"]

    with turnout.terminal("chat", "-m", "Mute", *empty, "Hi") as terminal:
        assert terminal.end() == 0

    assert terminal.screen == ""


@pytest.mark.parametrize("readline", [True, False])
def test_the_end_of_the_input_can_be_typed_ahead(
    turnout: CommandLine, tmp_path: Path, readline: bool
) -> None:
    turnout.environment["TERM"] = "dumb"
    output = None if readline else tmp_path / "answer"

    with turnout.terminal("chat", "-m", "Echo", stdout=output) as terminal:
        terminal.expect("> ")
        terminal.type("One.\n\x04")

        assert terminal.end() == 0

    answer = terminal.screen if output is None else output.read_text()
    assert "user=One.|" in answer


def test_reasoning_is_shown_dimmed(turnout: CommandLine) -> None:
    del turnout.environment["NO_COLOR"]

    with turnout.terminal("chat", "-m", "Thinker", "Hi") as terminal:
        assert terminal.end() == 0

    assert terminal.screen == (
        "\x1b[2mReasoning:\x1b[0m\n\x1b[2mWell,[2J\x1b[0m\x1b[2m then.\x1b[0m\n\n"
        "It is so.\n"
    )


def test_reasoning_does_not_go_into_a_file(
    turnout: CommandLine, tmp_path: Path
) -> None:
    output = tmp_path / "answer"

    with turnout.terminal("chat", "-m", "Thinker", "Hi", stdout=output) as terminal:
        assert terminal.end() == 0

    assert output.read_text() == "It is so.\n"
    assert terminal.screen == ""


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
    view.show("")
    view.wait("another")
    view.show(ReasoningDelta(text="hm"))
    view.note("one went, another goes on")
    view.show("wer.\n")
    view.note("it goes on still")

    assert screen.getvalue() == (
        "half an ans\none went, another goes on\nwer.\nit goes on still\n"
    )
