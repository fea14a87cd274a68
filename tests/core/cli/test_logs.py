"""`turnout logs`, and what `turnout chat` keeps and continues."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from turnout.cli._log import Log
from turnout.cli._log_recorder import Recorder
from turnout.types import Attempt, Message, Reply, Target

from .conftest import CommandLine

ONLY_SCRIPTED = '[plugins]\nallow = ["Scripted"]\n'


@pytest.fixture(autouse=True)
def only_scripted(turnout: CommandLine) -> None:
    turnout.configure(ONLY_SCRIPTED)
    turnout.environment["NO_COLOR"] = "1"


@pytest.fixture(autouse=True)
def only_scripted_inside(inside: CommandLine) -> None:
    inside.environment["NO_COLOR"] = "1"


def file_of(line: CommandLine) -> Path:
    return Path(line("logs", "path").stdout.removesuffix("\n"))


def shown(line: CommandLine, *arguments: str) -> str:
    """Return a conversation as it is shown, without what differs each time."""
    text = line("logs", "show", *arguments).stdout
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", text)
    text = re.sub(r"after \d+\.\d\d s", "after 0.00 s", text)
    return re.sub(r"Conversation \w{8}", "Conversation ID", text)


def ids(line: CommandLine) -> list[str]:
    return [row.split()[0] for row in line("logs").stdout.splitlines()]


def test_conversations_are_listed_the_newest_first(inside: CommandLine) -> None:
    for prompt in ("First?\nMore of it.", "Second? " * 20, "Third?"):
        assert inside("chat", "-m", "Echo", prompt).returncode == 0

    done, two = inside("logs"), inside("logs", "list", "-n", "2")

    rows = [re.split(r"  +", row) for row in done.stdout.splitlines()]
    assert [row[2:] for row in rows] == [
        ["1", "Echo:echo-1", "Third?"],
        ["1", "Echo:echo-1", ("Second? " * 20)[:59] + "…"],
        ["1", "Echo:echo-1", "First? More of it."],
    ]
    assert two.stdout.splitlines() == done.stdout.splitlines()[:2]
    assert done.stderr == ""


def test_conversations_are_searched(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "Do bees dance?")
    inside("chat", "-m", "Echo", "Do cows?")

    found, none = inside("logs", "-q", "DANCE bees"), inside("logs", "-q", "goats")

    assert found.stdout.endswith("Do bees dance?\n")
    assert found.stdout.count("\n") == 1
    assert (none.stdout, none.stderr) == ("", "no conversation has 'goats'\n")
    assert none.returncode == 0


def test_nothing_kept_is_said(inside: CommandLine) -> None:
    listed, last = inside("logs"), inside("logs", "show")
    cleared, went_on = inside("logs", "clear"), inside("chat", "-c", "Hi")

    assert (listed.stdout, listed.stderr) == ("", "no conversation is kept\n")
    assert (cleared.stderr, cleared.returncode) == ("no conversation is kept\n", 0)
    for done in (last, went_on):
        assert (done.stderr, done.returncode) == ("Error: no conversation is kept\n", 1)
    assert not file_of(inside).parent.exists()


def test_a_negative_count_is_wrong_usage(inside: CommandLine) -> None:
    done = inside("logs", "-n", "-1")

    assert done.returncode == 2
    assert "-n -1 is negative; 0 means all" in done.stderr


def test_a_conversation_is_shown_with_its_attempts(
    inside: CommandLine, tmp_path: Path
) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"12345")
    document = tmp_path / "b.pdf"
    document.write_bytes(b"%PDF")
    inside("chat", "-m", "Torn", "-m", "Echo", "-s", "Be brief.", "Do bees dance?")
    inside("chat", "-c", "-m", "Torn", "And cows?")
    inside(
        *("chat", "-c", "-m", "Echo", "-a", image, "-a", document),
        *("-o", "temperature=0.5", "-o", "max_tokens=9", "Goats?"),
    )

    text = shown(inside)

    first, second, third = text.split("\n## ")[2::2]
    assert text.startswith(
        "# Conversation ID\n\n## 1. Question, TIME\n\nSystem message: Be brief.\n\n"
        "Do bees dance?\n\n- asked for: Torn, Echo\n\n## 1. Answer of Echo:echo-1\n\n"
        "half an ans"
    )
    assert "- ended: stop\n- usage: input_tokens " in first
    assert (
        "- attempt 1: Torn:torn-1: failed, after 0.00 s, first delta after 0.00 s, "
        "StreamTruncatedError: Torn: the connection to torn.example was lost\n"
        "- attempt 2: Echo:echo-1: complete, after 0.00 s, first delta after 0.00 s, "
        "joined by unverified"
    ) in first
    assert second.startswith("2. Answer of Torn:torn-1\n\nhalf an ans\n\n")
    assert "- failed: StreamTruncatedError: the connection" in second
    assert third.startswith("3. Answer of Echo:echo-1\n\n")
    assert (
        "Goats?\n\n- asked for: Echo\n- option temperature: 0.5\n- option max_tokens: 9"
        "\n- attached: image/png, 5 bytes\n- attached: b.pdf, application/pdf, 4 bytes"
    ) in text
    assert text.count("System message") == 1


def test_what_else_belongs_to_an_answer_is_shown(inside: CommandLine) -> None:
    inside("chat", "-m", "Sourced", "Bees?")
    sourced = shown(inside)
    inside("chat", "-m", "Rich", "-m", "Echo", "Red?")
    rich = shown(inside)

    assert "- source: https://bees.example On\x1b[2J bees\n" not in sourced
    assert "- source: https://bees.example On[2J bees\n- source: " in sourced
    assert "- came with the answer: image/png\n" in sourced
    assert "- came with the answer: a file\n" in sourced
    assert "- cost: $1.2E-7\n" in sourced
    assert "\n> hm\n" in rich
    assert "- call of f: {}\n" in rich
    assert "- ended: length\n" in rich


def test_joins_are_shown_with_what_they_dropped(inside: CommandLine) -> None:
    target = Target("Echo", "echo-1")
    attempt = Attempt(target=target, outcome="complete", join="anchor", dropped=12)
    reply = Reply(text="Yes.", finish_reason="stop", attempts=(attempt,))
    recorder = Recorder(Log(file_of(inside)), asked=(), system="")

    recorder.add(Message(role="user", content="Joined?"), reply, None, options={})

    text = shown(inside)
    assert text.startswith(
        "# Conversation ID\n\n## 1. Question, TIME\n\nJoined?\n\n## 1. Answer of "
    )
    assert "joined by anchor, 12 characters dropped at the join\n" in text


def test_what_was_asked_and_failed_is_shown(inside: CommandLine) -> None:
    assert inside("chat", "-m", "Down", "Hi").returncode == 1

    assert inside("logs").stdout.split()[3:] == ["1", "-", "Hi"]
    assert "## 1. Answer of no target\n\n- failed: ConnectError: " in shown(inside)


def test_a_system_message_that_is_taken_away_is_shown(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "-s", "Be brief.", "One?")
    (name,) = ids(inside)
    inside("chat", "--cid", name, "-s", "Be long.", "Two?")

    text = shown(inside)

    assert text.index("System message: Be brief.") < text.index("message: Be long.")


def test_conversations_are_json_too(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "One?")
    inside("chat", "-m", "Rich", "Two?")

    (newest, oldest) = json.loads(inside("logs", "--json").stdout)
    one = json.loads(inside("logs", "show", oldest["id"], "--json").stdout)

    assert one == oldest
    (exchange,) = one["exchanges"]
    assert exchange["ended"].endswith("+00:00")
    assert exchange["asked"] == ["Echo"]
    assert exchange["target"] == "Echo:echo-1"
    assert (exchange["outcome"], exchange["finish_reason"]) == ("complete", "stop")
    assert (exchange["prompt"], exchange["answer"]) == ("One?", "user=One?|")
    assert exchange["usage"]["output_tokens"] == 5
    assert [attempt["outcome"] for attempt in exchange["attempts"]] == ["complete"]
    assert newest["exchanges"][0]["reasoning"] == "hm"


def test_an_unknown_id_is_said_with_its_like(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "One?")
    (name,) = ids(inside)

    near, far = inside("logs", "show", name[:-1]), inside("chat", "--cid", "zzzz", "Hi")

    assert near.stderr == (
        f"Error: no conversation {name[:-1]!r} is kept; did you mean {name!r}?\n"
    )
    assert far.stderr == (
        "Error: no conversation 'zzzz' is kept; `turnout logs` lists them\n"
    )
    assert (near.returncode, far.returncode) == (1, 1)


def test_kept_texts_move_nothing_on_a_terminal(inside: CommandLine) -> None:
    inside("chat", "-m", "Rich", "Red \x1b[31m\u202e?")

    with inside.terminal("logs") as terminal:
        assert terminal.end() == 0
    with inside.terminal("logs", "show") as whole:
        assert whole.end() == 0

    assert "FIRST QUESTION" in terminal.screen
    for screen in (terminal.screen, whole.screen):
        assert "Red [31m?" in screen
        assert not set("\x1b\x9b\u202e\x07") & set(screen)
    assert "\x1b[31m" in inside("logs", "show").stdout


def test_all_are_deleted_if_the_user_confirms(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "One?")
    inside("chat", "-m", "Echo", "Two?")

    unasked = inside("logs", "clear")
    with inside.terminal("logs", "clear") as terminal:
        terminal.expect("Delete 2 conversations? [y/N]: ")
        terminal.type("n\n")
        assert terminal.end() == 0
    left = ids(inside)
    with inside.terminal("logs", "clear") as terminal:
        terminal.expect("Delete 2 conversations? [y/N]: ")
        terminal.type("y\n")
        terminal.expect("deleted 2 conversations\n")
        assert terminal.end() == 0

    assert unasked.returncode == 2
    assert "add --yes" in unasked.stderr
    assert len(left) == 2
    assert ids(inside) == []


def test_scripts_delete_all_without_a_question(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "One?")

    done = inside("logs", "clear", "--yes")

    assert (done.stderr, done.returncode) == ("deleted 1 conversation\n", 0)


def test_the_last_conversation_goes_on_with_the_target_that_answered(
    inside: CommandLine,
) -> None:
    inside("chat", "-m", "Echo:echo-2", "-s", "Be brief.", "One?")
    inside("chat", "-m", "Down", "Lost?")

    done = inside("chat", "-c", "Two?")

    assert done.stdout == (
        "system=Be brief.|user=One?|assistant=system=Be brief.|user=One?||user=Two?|\n"
    )
    assert inside("logs").stdout.splitlines()[0].split()[3:5] == ["2", "Echo:echo-2"]


def test_one_conversation_goes_on_by_its_id_with_another_target(
    inside: CommandLine,
) -> None:
    inside("chat", "-m", "Echo", "One?")
    (name,) = ids(inside)
    inside("chat", "-m", "Echo", "Other?")

    done = inside("chat", "--cid", name, "-m", "Engine", "Two?")

    assert done.stdout == "user=One?|assistant=user=One?||user=Two?|\n"
    assert ids(inside)[0] == name


def test_the_files_of_a_conversation_go_on_with_it(
    inside: CommandLine, tmp_path: Path
) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"12345")
    inside("chat", "-m", "Echo", "-a", image, "See?")

    assert inside("chat", "-c", "Again?").stdout.startswith("user=See?|ImagePart|")


def test_two_ways_to_say_what_goes_on_are_wrong_usage(inside: CommandLine) -> None:
    done = inside("chat", "-c", "--cid", "x", "Hi")

    assert done.returncode == 2
    assert "-c and --cid both say what to continue; give one" in done.stderr


def test_nothing_is_kept_if_the_user_says_so(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "--no-log", "One?")
    inside.configure(f"{ONLY_SCRIPTED}[cli]\nlog = false\n")
    inside("chat", "-m", "Echo", "Two?")

    assert ids(inside) == []


def test_a_conversation_can_go_on_and_not_be_kept(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "One?")

    done = inside("chat", "-c", "--no-log", "Two?")

    assert done.stdout == "user=One?|assistant=user=One?||user=Two?|\n"
    assert inside("logs").stdout.split()[3] == "1"


def test_a_key_that_an_answer_repeats_is_not_kept(inside: CommandLine) -> None:
    inside.environment["KEYED_KEY"] = "correct-horse-battery"

    inside("chat", "-m", "Echo", "My key is correct-horse-battery")

    assert b"correct-horse" not in file_of(inside).read_bytes()
    assert "My key is ***" in shown(inside)


def test_keys_of_the_configuration_are_not_kept(inside: CommandLine) -> None:
    inside.environment["GATEWAY"] = "gateway-secret-1"
    path = inside.configure(
        f'{ONLY_SCRIPTED}[providers.Keyed]\napi_key = "configured-secret"\n'
        'headers = { X-Token = "env:GATEWAY", X-Key = "header-secret" }\n'
    )
    path.chmod(0o600)

    inside("chat", "-m", "Echo", "configured-secret gateway-secret-1 header-secret")

    assert "user=*** *** ***|" in shown(inside)


def test_a_new_model_and_a_cleared_conversation_are_kept_as_such(
    turnout: CommandLine,
) -> None:
    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        terminal.type("One?\n")
        terminal.expect("user=One?|\n> ")
        terminal.type("/model Engine\n")
        terminal.expect("Asking Engine")
        terminal.expect("> ")
        terminal.type("Two?\n")
        terminal.expect("user=Two?|\n> ")
        terminal.type("/clear\n")
        terminal.expect("> ")
        terminal.type("Three?\n")
        terminal.expect("user=Three?|\n> ")
        terminal.type("\x04")
        assert terminal.end() == 0

    newest, oldest = json.loads(turnout("logs", "--json").stdout)
    assert [each["asked"] for each in oldest["exchanges"]] == [["Echo"], ["Engine"]]
    assert [each["prompt"] for each in newest["exchanges"]] == ["Three?"]


def test_a_stopped_answer_is_kept_as_far_as_it_came(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "-m", "Slow", "Count.") as terminal:
        terminal.expect("one two")
        terminal.type("\x03")
        assert terminal.end() == 130

    text = shown(turnout)
    done = turnout("chat", "-c", "And?")

    assert "\n\none two \n\n- stopped before its end\n" in text
    assert done.stdout == "user=Count.|assistant=one two |user=And?|\n"


def test_a_killed_process_loses_the_running_answer_alone(turnout: CommandLine) -> None:
    with turnout.terminal("chat", "--raw", "-m", "Endless") as terminal:
        terminal.expect("> ")
        terminal.type("Go.\n")
        terminal.expect("line\n")
        terminal.type("\x03")
        terminal.expect("Stopped.")
        terminal.expect("> ")
        terminal.type("Again.\n")
        terminal.expect("line\n")
        terminal.kill()

    (kept,) = json.loads(turnout("logs", "--json").stdout)
    assert [each["prompt"] for each in kept["exchanges"]] == ["Go."]


def test_chats_at_once_are_all_kept(turnout: CommandLine) -> None:
    running = [
        subprocess.Popen(
            turnout.command("chat", "-m", "Echo", f"Number {number}?"),
            cwd=turnout.folder,
            env=turnout.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(6)
    ]
    ends = [process.communicate() for process in running]

    assert [errors for _, errors in ends] == [b""] * 6
    kept = json.loads(turnout("logs", "--json").stdout)
    assert {one["exchanges"][0]["prompt"] for one in kept} == {
        f"Number {number}?" for number in range(6)
    }


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_full_disk_ends_no_chat(turnout: CommandLine) -> None:
    turnout("chat", "-m", "Echo", "Before?")
    size = file_of(turnout).stat().st_size

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    # Other files are limited too: those of Python, and those of a coverage measurement.
    environment = {
        name: value
        for name, value in turnout.environment.items()
        if not name.startswith("COVERAGE_")
    }
    done = subprocess.run(
        turnout.command("chat", "-m", "Engine", "x" * size),
        cwd=turnout.folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=limit,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, f"user={'x' * size}|\n"), done.stderr
    assert done.stderr.startswith(f"this conversation is not kept: {file_of(turnout)}")
    assert done.stderr.count("\n") == 1
    assert turnout("logs").stdout.count("Before?") == 1


def test_a_log_that_cannot_be_written_is_said_once_in_a_conversation(
    turnout: CommandLine,
) -> None:
    (turnout.folder / ".local").write_text("not a folder")
    turnout.environment.pop("XDG_DATA_HOME", None)

    with turnout.terminal("chat", "-m", "Echo") as terminal:
        terminal.expect("> ")
        for prompt in ("One?", "Two?"):
            terminal.type(f"{prompt}\n")
            terminal.expect(f"user={prompt}|\n")
            terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0

    assert terminal.screen.count("this conversation is not kept: ") == 1


def test_a_damaged_log_is_an_error_of_its_commands_alone(inside: CommandLine) -> None:
    path = file_of(inside)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database" * 99)

    chat, logs = inside("chat", "-m", "Echo", "Hi"), inside("logs")

    assert (chat.stdout, chat.returncode) == ("user=Hi|\n", 0)
    assert chat.stderr.startswith(f"this conversation is not kept: {path} is damaged (")
    assert logs.returncode == 1
    assert logs.stderr.startswith(f"Error: {path} is damaged (")


def test_a_conversation_that_goes_on_is_named(inside: CommandLine) -> None:
    inside("chat", "-m", "Echo", "Do bees dance?")
    inside("chat", "-c", "-m", "Down", "And cows?")

    with inside.terminal("chat", "-c") as terminal:
        terminal.expect(f"Continuing {ids(inside)[0]}, last asked: And cows?\n")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0

    assert "Echo:echo-1" in inside("logs").stdout
