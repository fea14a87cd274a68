"""The file in which conversations are kept."""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from turnout import ServerError, StreamTruncatedError
from turnout.cli import _log
from turnout.cli._log import Exchange, Log, LogError
from turnout.cli._log_recorder import Recorder
from turnout.errors import FallbackError
from turnout.types import (
    Attempt,
    FilePart,
    ImagePart,
    Message,
    Reply,
    Secret,
    Target,
    TextPart,
    ToolCall,
)

TARGET = Target("Echo", "echo-1")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log" / "conversations.db")


def asked(text: str) -> Message:
    return Message(role="user", content=text)


def answered(text: str = "Yes.") -> Reply:
    attempt = Attempt(target=TARGET, outcome="complete", seconds=0.5)
    return Reply(text=text, finish_reason="stop", target=TARGET, attempts=(attempt,))


def recorder(log: Log, conversation: str = "", system: str = "") -> Recorder:
    return Recorder(log, asked=["Echo"], system=system, conversation=conversation)


def keep(log: Log, question: str, answer: str = "Yes.") -> str:
    """Keep a conversation of one exchange and return its id."""
    recorder(log).add(asked(question), answered(answer), None, options={})
    return log.summaries(1)[0].id


def prompts(log: Log) -> list[str]:
    return [each.prompt for each in log.summaries()]


def test_what_is_kept_comes_back(log: Log) -> None:
    reply = replace(
        answered(),
        reasoning="Hm.",
        details={"model": "x"},
        state={"echo": [1, None]},
    )

    recorder(log, system="Be brief.").add(
        asked("Is it?"), reply, None, options={"temperature": 0.5}
    )

    kept = log.conversation()
    assert kept is not None
    (exchange,) = kept.exchanges
    assert exchange == Exchange(
        conversation=kept.id,
        ended=exchange.ended,
        asked=("Echo",),
        target="Echo:echo-1",
        outcome="complete",
        system="Be brief.",
        prompt="Is it?",
        answer="Yes.",
        about={"options": {"temperature": 0.5}, "cost": None, "error": None},
        question=asked("Is it?"),
        reply=reply,
    )
    assert kept.messages() == [
        Message(role="system", content="Be brief."),
        asked("Is it?"),
        reply.to_message(),
    ]


def test_what_a_conversation_is_continued_with_is_kept_without_loss(log: Log) -> None:
    image = ImagePart(data=b"\x89PNG\0", media_type="image/png", detail="low")
    file = FilePart(data=b"%PDF", media_type="application/pdf", filename="a.pdf")
    question = Message(role="user", content=(TextPart(text="See\ud83d"), image, file))
    state = {"anthropic": {"signature": "x" * 9}}
    reply = replace(answered("Half \ud83d\0"), state=state)
    call = ToolCall(id="c1", name="f", arguments='{"a":', item={"raw": {"b": [1.5]}})

    keeping = recorder(log)
    keeping.add(question, reply, None, options={})
    keeping.add(asked("Call"), replace(reply, tool_calls=(call,)), None, options={})
    keeping.add(asked("Lost"), Reply(), ServerError("no"), options={})

    kept = log.conversation()
    assert kept is not None
    assert kept.exchanges[1].reply.tool_calls == (call,)
    assert kept.messages() == [
        question,
        reply.to_message(),
        asked("Call"),
        Message(role="assistant", content="Half \ud83d\0"),
    ]


def test_what_came_of_half_an_answer_is_kept_as_that(log: Log) -> None:
    attempt = Attempt(target=TARGET, outcome="closed")
    half = Reply(text="one two", target=TARGET, attempts=(attempt,))
    lost = StreamTruncatedError("the connection was lost", provider="Echo")
    every = FallbackError("no target answered", [lost])
    keeping = recorder(log)

    keeping.add(asked("1"), half, None, options={})
    keeping.add(asked("2"), half, lost, options={})
    keeping.add(asked("3"), Reply(), every, options={})

    kept = log.conversation()
    assert kept is not None
    assert [each.outcome for each in kept.exchanges] == ["stopped", "failed", "failed"]
    assert [each.about["error"] for each in kept.exchanges] == [
        None,
        {"type": "StreamTruncatedError", "message": "the connection was lost"},
        {"type": "FallbackError", "message": "no target answered"},
    ]
    assert kept.asked == ("Echo:echo-1",)
    assert len(kept.messages()) == 4


def test_a_conversation_without_an_answer_is_continued_with_what_was_asked_for(
    log: Log,
) -> None:
    first = keep(log, "Answered?")
    recorder(log).add(asked("Lost"), Reply(), ServerError("no"), options={})

    newest, answered_one = log.conversation(), log.conversation(answered=True)

    assert newest is not None
    assert answered_one is not None
    assert (newest.asked, newest.messages()) == (("Echo",), [])
    assert answered_one.id == first


def test_a_conversation_goes_on_under_its_id(log: Log) -> None:
    first = keep(log, "One?")
    second = keep(log, "Other?")
    again = recorder(log, first)
    again.add(asked("Two?"), answered(), None, options={})
    again.new_conversation()
    again.add(asked("Three?"), answered(), None, options={})

    found = [(each.id, each.exchanges, each.prompt) for each in log.summaries()]

    assert found[1:] == [(first, 2, "One?"), (second, 1, "Other?")]
    assert (found[0][1:]) == (1, "Three?")
    assert log.conversation("nope") is None


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["bees"], ["Do BEES dance?", "Honey?"], id="any case"),
        pytest.param(["bees", "yes"], ["Do BEES dance?"], id="all words"),
        pytest.param(["MÜDE"], ["Bist du müde?"], id="of any language"),
        pytest.param(["%"], [], id="as it is"),
        pytest.param([], ["Do BEES dance?", "Honey?", "Bist du müde?"], id="none"),
    ],
)
def test_conversations_are_found_by_their_words(
    words: list[str], found: list[str], log: Log
) -> None:
    keep(log, "Bist du müde?")
    keep(log, "Honey?", "From bees.")
    keep(log, "Do BEES dance?")

    assert [each.prompt for each in log.summaries(words=words)] == found


def test_no_file_is_no_conversation_and_is_not_made(log: Log) -> None:
    assert (log.summaries(), log.conversation(), log.clear()) == ([], None, 0)
    assert not log.path.parent.exists()


@posix
def test_the_file_is_for_the_user_alone(log: Log) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    before = os.umask(0)
    try:
        keep(log, "Secret?")
        assert (mode(log.path.parent), mode(log.path)) == (0o700, 0o600)

        log.path.parent.chmod(0o755)
        log.path.chmod(0o644)
        keep(log, "Again?")
        assert (mode(log.path.parent), mode(log.path)) == (0o700, 0o600)

        with closing(sqlite3.connect(log.path)) as database:
            database.execute("DELETE FROM exchanges")
            beside = [path for path in log.path.parent.iterdir() if path != log.path]
            assert [mode(path) for path in beside] == [0o600]
    finally:
        os.umask(before)
    assert [*log.path.parent.iterdir()] == [log.path]


def test_the_oldest_conversations_are_deleted_from_a_file_that_is_too_large(
    tmp_path: Path,
) -> None:
    log = Log(tmp_path / "log.db", max_bytes=300_000)

    for number in range(20):
        keep(log, f"Number {number:02}?", "x" * 20_000)
        assert log.path.stat().st_size <= 300_000

    left = prompts(log)
    assert left == [f"Number {number:02}?" for number in range(19, 19 - len(left), -1)]
    assert 4 < len(left) < 10
    assert b"Number 00?" not in log.path.read_bytes()


def test_the_file_becomes_small_again(log: Log) -> None:
    for number in range(5):
        keep(log, f"Number {number}?", "x" * 100_000)
    large = log.path.stat().st_size

    assert log.clear() == 5

    assert log.path.stat().st_size < 40_000 < 500_000 < large
    assert b"xxxx" not in log.path.read_bytes()
    assert prompts(log) == []


def test_a_conversation_that_is_larger_than_the_file_may_be_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log(tmp_path / "log.db", max_bytes=100_000)
    keep(log, "Before?")
    keeping = recorder(log)

    for answer in ("short", "x" * 200_000, "short"):
        keeping.add(asked("More?"), answered(answer), None, options={})

    assert capsys.readouterr().err == (
        "this conversation is not kept: it has more than the 0.1 MB that the log may "
        "have\n"
    )
    # Nothing else was deleted for it.
    assert prompts(log) == ["More?", "Before?"]


def test_credentials_are_never_written(log: Log) -> None:
    key, odd = "correct-horse-battery", 'quo"ted\\key'
    log.secrets = (Secret(key), Secret(odd), Secret("short"))
    question = asked(f"My key is {key} or {odd}, in short.")

    recorder(log, system=key).add(
        question,
        replace(answered(f"So {key} it is, {odd}"), state={"x": key}),
        ServerError("no"),
        options={
            "stop": ["sk-0123456789abcdef", "end"],
            "extra": {"user": {"api_key": "hush-hush"}, "top_k": 3},
        },
    )

    data = log.path.read_bytes()
    assert not [
        one for one in (key, odd, "hush-hush", "sk-012") if one.encode() in data
    ]
    kept = log.conversation()
    assert kept is not None
    assert kept.exchanges[0].prompt == "My key is *** or ***, in short."
    assert kept.exchanges[0].about["options"] == {
        "stop": ["***", "end"],
        "extra": {"user": {"api_key": "***"}, "top_k": 3},
    }
    assert kept.exchanges[0].reply.state == {"x": "***"}


def test_ids_are_not_given_twice(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    names: Iterator[str] = iter(["aa", "aa", "bb"])

    def token_hex(_count: int) -> str:
        return next(names)

    monkeypatch.setattr(secrets, "token_hex", token_hex)

    assert (keep(log, "One?"), keep(log, "Two?")) == ("aa", "bb")


def told(log: Log, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is said where two answers cannot be kept."""
    keeping = recorder(log)
    for _ in range(2):
        keeping.add(asked("Kept?"), answered(), None, options={})
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"not a database" * 100, "file is not a database", id="another"),
        pytest.param(None, "malformed", id="torn"),
    ],
)
def test_a_damaged_file_is_said_once(
    content: bytes | None, reason: str, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(9):
        keep(log, "Before?", "x" * 3000)
    if content is None:
        whole = log.path.read_bytes()
        content = whole[:8192] + b"\xff" * (len(whole) - 8192)
    log.path.write_bytes(content)

    line = told(log, capsys)

    assert line.startswith(f"this conversation is not kept: {log.path} is damaged (")
    assert reason in line
    assert line.endswith("); move it away to begin another log\n")
    assert line.count("\n") == 1
    with pytest.raises(LogError, match=reason):
        log.summaries()


@pytest.mark.parametrize("value", ["[]", "{}", '{"type": "usage"}', "nonsense", "3"])
def test_a_row_that_cannot_be_read_is_damage(value: str, log: Log) -> None:
    keep(log, "Before?")
    with closing(sqlite3.connect(log.path)) as database, database:
        database.execute("UPDATE exchanges SET question = ?", [value])

    with pytest.raises(LogError, match=r"is damaged \(.*move it away"):
        log.conversation()


def test_a_file_of_a_newer_turnout_is_left_alone(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(log, "Before?")
    with closing(sqlite3.connect(log.path)) as database:
        database.execute("PRAGMA user_version = 99")

    assert told(log, capsys) == (
        f"this conversation is not kept: {log.path} was written by a newer turnout; "
        "update turnout, or move it away to begin another log\n"
    )


def test_a_database_of_another_program_is_left_alone(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.path.parent.mkdir()
    with closing(sqlite3.connect(log.path)) as database:
        database.execute("CREATE TABLE theirs (x)")

    assert "is a database of another program; move it away" in told(log, capsys)
    with closing(sqlite3.connect(log.path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("theirs",)]


def test_a_file_in_use_is_waited_for_and_given_up(
    log: Log, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(log, "Before?")
    monkeypatch.setattr(_log, "_BUSY", 0.01)
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        line = told(log, capsys)

    assert line == f"this conversation is not kept: {log.path}: database is locked\n"
    assert prompts(log) == ["Before?"]


def test_a_folder_that_cannot_be_made_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    log = Log(tmp_path / "file" / "log" / "conversations.db")

    assert told(log, capsys) == (
        f"this conversation is not kept: {log.path}: Not a directory\n"
    )
    assert log.summaries() == []


def nested(depth: int) -> object:
    value: object = None
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "state",
    [pytest.param(object(), id="object"), pytest.param(nested(5000), id="deep")],
)
def test_a_state_that_json_does_not_have_is_said_once(
    state: object, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = replace(answered(), state={"echo": state})

    recorder(log).add(asked("Kept?"), reply, None, options={})

    assert "not kept: it cannot be written as JSON: " in capsys.readouterr().err


def test_a_python_without_sqlite_is_said_once(
    log: Log, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)

    assert "not kept: this Python has no sqlite3" in told(log, capsys)


def test_without_a_home_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere the home is not named by a variable")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("HOME")
    # Only root can become a user that is not in passwd.
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    assert told(Log(), capsys) == (
        "this conversation is not kept: there is no home folder to keep conversations "
        "in; set HOME, or XDG_DATA_HOME to an absolute path\n"
    )
