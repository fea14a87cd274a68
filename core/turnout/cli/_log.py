"""The log of `turnout chat`: an SQLite file of the user's conversations.

Only the command line writes it. Each answer is added in one transaction when it has
ended, so a process that is killed loses at most the answer under way. The database has
a rollback journal and not a write-ahead log: that works on network drives too, and
leaves no other file beside it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turnout._frozen import frozen
from turnout.types import Message, Reply, Secret, from_dict, to_dict

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Exchange", "Kept", "Log", "LogError", "Summary"]

_MAX_BYTES = 100_000_000
"""How large the file may be."""

_APPLICATION = 0x7475726E
"""Marks the file as turnout's: `turn` in ASCII."""

_VERSION = 1
"""Of the schema."""

_BUSY = 5.0
"""Seconds to wait for another process that writes."""

_SHORTEST_SECRET = 8
"""What is shorter is not looked for, since it would be found by chance."""

_SCHEMA = """
CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    ended REAL NOT NULL,
    asked TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    system TEXT NOT NULL,
    prompt TEXT NOT NULL,
    answer TEXT NOT NULL,
    about TEXT NOT NULL,
    question TEXT NOT NULL,
    reply TEXT NOT NULL
)
"""
_INDEX = "CREATE INDEX exchanges_of ON exchanges (conversation, id)"

_COLUMNS = (
    "conversation, ended, asked, target, outcome, system, prompt, answer, about, "
    "question, reply"
)


class LogError(click.ClickException):
    """The log cannot be read or written."""


@frozen
class Exchange:
    """A question and its answer, as they are kept."""

    conversation: str
    ended: float
    """When the answer ended, in seconds of the Unix clock."""
    asked: tuple[str, ...]
    """The names given with `-m` or `--route`; empty if none was given."""
    target: str
    """The target that answered last; empty if none did."""
    outcome: str
    """`complete`, `stopped` by the user, or `failed`."""
    system: str
    prompt: str
    """The text of the question."""
    answer: str
    about: dict[str, Any]
    """What is only shown: the options, the cost, and the error."""
    question: Message
    reply: Reply


@frozen
class Summary:
    """A conversation in a list."""

    id: str
    ended: float
    target: str
    """The last target that answered; empty if none did."""
    exchanges: int
    prompt: str
    """Of the first question."""


@frozen
class Kept:
    """A conversation that is kept, with at least one exchange."""

    id: str
    exchanges: tuple[Exchange, ...]

    @property
    def system(self) -> str:
        """The system message of the last question."""
        return self.exchanges[-1].system

    @property
    def asked(self) -> tuple[str, ...]:
        """The target that answered last, else the names that were asked for last."""
        targets = [each.target for each in self.exchanges if each.target]
        return (targets[-1],) if targets else self.exchanges[-1].asked

    def messages(self) -> list[Message]:
        """Return the conversation as it is continued.

        As in a conversation that goes on, a question without an answer is left out,
        and so are tool calls, which nothing has answered.
        """
        messages: list[Message] = []
        if self.system:
            messages.append(Message(role="system", content=self.system))
        for each in self.exchanges:
            if each.reply.text:
                answer = Message(role="assistant", content=each.reply.text)
                if not each.reply.tool_calls:
                    answer = each.reply.to_message()
                messages += [each.question, answer]
        return messages


class Log:
    """Conversations in a file; all methods raise `LogError`.

    Args:
        path: None means the user's own.
        max_bytes: How large the file may be. The oldest conversations are deleted.
    """

    def __init__(self, path: Path | None = None, max_bytes: int = _MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self.secrets: tuple[Secret, ...] = ()
        """Credentials, which are never written."""

    @property
    def path(self) -> Path:
        """The file, which may not exist."""
        if self._path is None:
            from platformdirs import user_data_path

            path = Path()
            with suppress(RuntimeError):  # There is no home.
                path = user_data_path("turnout", appauthor=False)
            if not path.is_absolute():  # So older versions of platformdirs say it.
                raise LogError(
                    "there is no home folder to keep conversations in; set HOME, or "
                    "XDG_DATA_HOME to an absolute path"
                )
            self._path = path / "log" / "conversations.db"
        return self._path

    def add(self, exchange: Exchange) -> str:
        """Keep an exchange and return the id of its conversation.

        Args:
            exchange: Without an id of a conversation it begins one.
        """
        with self._opened(write=True, create=True) as database:
            name = exchange.conversation or _new_name(database)
            texts = (
                json.dumps(exchange.asked),
                exchange.target,
                exchange.outcome,
                exchange.system,
                exchange.prompt,
                exchange.answer,
                json.dumps(exchange.about),
                _dumped(exchange.question),
                _dumped(exchange.reply),
            )
            row = (name, exchange.ended, *map(self._writable, texts))
            marks = ", ".join("?" * len(row))
            database.execute(
                f"INSERT INTO exchanges ({_COLUMNS}) VALUES ({marks})",  # noqa: S608
                row,
            )
            self._make_room(database, name)
        return name

    def summaries(self, limit: int = 0, words: Sequence[str] = ()) -> list[Summary]:
        """Return the conversations, those with the newest answers first.

        Args:
            limit: How many at most; 0 means all.
            words: Texts that one of its questions and answers has, in any case.
        """
        query = """
            SELECT conversation, last.ended, COALESCE((
                SELECT answered.target FROM exchanges AS answered
                WHERE answered.conversation = last.conversation
                    AND answered.target != ''
                ORDER BY answered.id DESC LIMIT 1
            ), ''), number, first.prompt
            FROM (
                SELECT MIN(id) AS first, MAX(id) AS last, COUNT(*) AS number
                FROM exchanges GROUP BY conversation
                HAVING MAX(matches(prompt, answer)) ORDER BY MAX(id) DESC LIMIT ?
            ) AS found
            JOIN exchanges AS last ON last.id = found.last
            JOIN exchanges AS first USING (conversation)
            WHERE first.id = found.first ORDER BY last.id DESC
        """
        wanted = [word.casefold() for word in words]

        def matches(prompt: str, answer: str) -> bool:
            text = f"{prompt}\n{answer}".casefold()
            return all(word in text for word in wanted)

        with self._opened() as database:
            if database is None:
                return []
            database.create_function("matches", 2, matches)
            rows = database.execute(query, [limit or -1]).fetchall()
        return [
            Summary(id=name, ended=ended, target=target, exchanges=count, prompt=prompt)
            for name, ended, target, count, prompt in rows
        ]

    def conversation(
        self, name: str | None = None, *, answered: bool = False
    ) -> Kept | None:
        """Return a conversation; None if it is not kept.

        Args:
            name: Its id; None means the newest one.
            answered: Whether one without any answer comes after all others.
        """
        order = "answer != '' DESC, id DESC" if answered else "id DESC"
        newest = f"SELECT conversation FROM exchanges ORDER BY {order} LIMIT 1"  # noqa: S608
        query = (
            f"SELECT {_COLUMNS} FROM exchanges "  # noqa: S608 - Constants.
            f"WHERE conversation = coalesce(?, ({newest})) ORDER BY id"
        )
        with self._opened() as database:
            if database is None:
                return None
            rows = database.execute(query, [name]).fetchall()
        if not rows:
            return None
        try:
            exchanges = tuple(_exchange(row) for row in rows)
        except (ValueError, TypeError, RecursionError) as error:
            raise LogError(f"{self.path} is damaged ({error}); {_AWAY}") from error
        return Kept(id=rows[0][0], exchanges=exchanges)

    def clear(self) -> int:
        """Delete all conversations and return how many there were."""
        with self._opened(write=True) as database:
            if database is None:
                return 0
            query = "SELECT COUNT(DISTINCT conversation) FROM exchanges"
            count: int = database.execute(query).fetchone()[0]
            database.execute("DELETE FROM exchanges")
        return count

    def _writable(self, text: str) -> str:
        """Return a text without credentials, and without halves of surrogate pairs."""
        for secret in self.secrets:
            value = secret.reveal()
            if len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, "***")
                text = text.replace(json.dumps(value)[1:-1], "***")
        return text.encode("utf-8", "replace").decode()

    def _make_room(self, database: sqlite3.Connection, name: str) -> None:
        """Delete the oldest conversations until the file is small enough."""
        while _size(database) > self._max_bytes:
            oldest = database.execute(
                "SELECT conversation FROM exchanges WHERE conversation != ? "
                "GROUP BY conversation ORDER BY MAX(id) LIMIT 1",
                [name],
            ).fetchone()
            if oldest is None:
                raise LogError(
                    f"it has more than the {self._max_bytes / 1e6:g} MB that the log "
                    "may have"
                )
            database.execute("DELETE FROM exchanges WHERE conversation = ?", oldest)

    @contextmanager
    def _opened(self, *, write: bool = False, create: bool = False) -> Generator[Any]:
        """Open the file for one transaction and give the connection.

        Without `create`, give None if there is no file.
        """
        path = self.path
        try:
            import sqlite3
        except ImportError as error:
            raise LogError(f"this Python has no sqlite3 ({error})") from error
        try:
            if create:
                _make_private(path)
            elif not path.is_file():
                yield None
                return
            connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
            with closing(connection), connection:
                # What is deleted is overwritten, and the file becomes shorter.
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("PRAGMA auto_vacuum = FULL")
                connection.execute(f"BEGIN {'IMMEDIATE' if write else ''}")
                _check(connection, path)
                yield connection
        except OSError as error:
            raise LogError(f"{path}: {error.strerror}") from error
        except sqlite3.OperationalError as error:
            # It is locked, read-only, or the disk is full.
            raise LogError(f"{path}: {error}") from error
        except sqlite3.Error as error:
            raise LogError(f"{path} is damaged ({error}); {_AWAY}") from error


_NOTHING: dict[str, Any] = {"options": {}, "cost": None, "error": None}

_AWAY = "move it away to begin another log"


def _make_private(path: Path) -> None:
    """Make the file and its folder if they are missing, for the user alone.

    The files that SQLite makes beside it have the rights of the file itself.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for place, mode in ((path.parent, 0o700), (path, 0o600)):
        if place.stat().st_mode & 0o077:
            place.chmod(mode)


def _check(database: sqlite3.Connection, path: Path) -> None:
    """Refuse a file of another program or a newer turnout; begin an empty one."""
    application = _pragma(database, "application_id")
    version = _pragma(database, "user_version")
    (tables,) = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if not (application or version or tables):
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute(_SCHEMA)
        database.execute(_INDEX)
    elif application != _APPLICATION:
        raise LogError(f"{path} is a database of another program; {_AWAY}")
    elif version > _VERSION:
        raise LogError(
            f"{path} was written by a newer turnout; update turnout, or {_AWAY}"
        )


def _new_name(database: sqlite3.Connection) -> str:
    known = "SELECT 1 FROM exchanges WHERE conversation = ?"
    while True:
        name = secrets.token_hex(4)
        if database.execute(known, [name]).fetchone() is None:
            return name


def _size(database: sqlite3.Connection) -> int:
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (_pragma(database, name) for name in names)
    return (pages - free) * size


def _pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _dumped(value: Message | Reply) -> str:
    """Return a value as JSON."""
    try:
        plain = to_dict(value)
        text = json.dumps(plain, ensure_ascii=False)
    except (ValueError, RecursionError) as error:  # A plugin may give any state.
        raise LogError(f"it cannot be written as JSON: {error}") from error
    # Half of a surrogate pair cannot be stored as it is.
    return text if text.isascii() or _is_encodable(text) else json.dumps(plain)


def _is_encodable(text: str) -> bool:
    return text.encode("utf-8", "replace").decode() == text


def _exchange(row: Sequence[Any]) -> Exchange:
    name, ended, asked, target, outcome, system, prompt, answer = row[:8]
    about, question, reply = map(json.loads, row[8:])
    return Exchange(
        conversation=name,
        ended=ended,
        asked=tuple(json.loads(asked)),
        target=target,
        outcome=outcome,
        system=system,
        prompt=prompt,
        answer=answer,
        about={**_NOTHING, **about},
        question=from_dict(question, Message),
        reply=from_dict(reply, Reply),
    )
