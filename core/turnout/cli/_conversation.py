"""A conversation on a terminal: messages and commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from turnout._names import did_you_mean, nearest
from turnout.cli._output import fail, note, one_line
from turnout.cli._prompt import Attachment, encodable, message
from turnout.cli._reader import Reader
from turnout.cli._readiness import lacks
from turnout.cli._session import Session
from turnout.cli._transcript import transcript
from turnout.errors import ArgumentError, TurnoutError, UnavailableError
from turnout.routes import Route
from turnout.types import Message

__all__ = ["Conversation"]

_HELP = """\
/model         show which models are asked
/model NAME    ask another one
/clear         forget the conversation
/save FILE     write the conversation to FILE.md or FILE.json
/help          show this
/bye           end; also exit, quit, /exit, /quit or Ctrl-D

A message of several lines stands between \"\"\" and \"\"\"; a paste is one message.
To send a line that begins with /, type a space before it.
Ctrl-C stops an answer."""

_END = frozenset({"exit", "quit", "/exit", "/quit", "/bye"})

_COMMANDS = ("/bye", "/clear", "/exit", "/help", "/model", "/quit", "/save")

_WITHOUT_ARGUMENT = frozenset({"/?", "/bye", "/clear", "/exit", "/help", "/quit"})


class Conversation:
    """Send what the user types, and carry out commands.

    Args:
        session: The conversation.
        find_route: Returns what a name means, or raises a `TurnoutError`.
        changed: Called with the name of another model that is asked from now on.
        advise: Adds to the error of an answer what else to do; None means nothing.
    """

    def __init__(
        self,
        session: Session,
        find_route: Callable[[str], Route],
        changed: Callable[[str], None],
        advise: Callable[[TurnoutError], None] | None = None,
    ) -> None:
        self._session = session
        self._find_route = find_route
        self._changed = changed
        self._advise = advise

    def run(self, attachments: Sequence[Attachment] = ()) -> None:
        """Read and answer messages until the user ends the conversation.

        Args:
            attachments: They go with the first question.

        Raises:
            KeyboardInterrupt: The user pressed Ctrl-C twice at the prompt.
        """
        self._note_names("/help lists the commands, Ctrl-D ends.")
        _note_all(lacks(self._session.route))
        reader, left = Reader(), attachments
        interrupted = False
        while True:
            try:
                typed = reader.read()
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                click.echo(err=True)
                note("Press Ctrl-C again or Ctrl-D to end.")
                continue
            interrupted = False
            if typed is None:
                return
            text = typed.text.strip() if typed.is_line else typed.text
            if typed.is_line and text.lower() in _END:
                return
            if not text.strip():
                continue
            try:
                if typed.is_line and typed.text.startswith("/"):
                    self._command(text)
                else:
                    text = encodable("the message", text)
                    asked, left = left, ()
                    question = message(text, asked)
                    with reader.no_echo():
                        self._ask(question)
            except (TurnoutError, OSError) as error:
                # An OSError is of the files of the first question, or of /save.
                fail(error)
            except click.ClickException as error:
                error.show()
            except KeyboardInterrupt:
                click.echo(err=True)
                note("Stopped. Ctrl-D ends.")

    def _ask(self, question: Message) -> None:
        try:
            self._session.ask(question)
        except TurnoutError as error:
            if self._advise is not None:
                self._advise(error)
            raise

    def _command(self, line: str) -> None:
        name, _, argument = line.partition(" ")
        argument = argument.strip()
        if argument and name.lower() in _WITHOUT_ARGUMENT:
            hint = f"type {name} alone; to send the line, type a space first"
            raise ArgumentError(f"{name} takes no argument; {hint}")
        match name.lower():
            case "/help" | "/?":
                click.echo(_HELP, err=True)
            case "/model" if argument:
                self._change_route(argument)
            case "/model":
                self._note_names()
            case "/clear":
                self._session.clear()
                note("The conversation is cleared.")
            case "/save":
                self._save(argument)
            case _:
                guess = did_you_mean(nearest(name, _COMMANDS))
                hint = "/help lists the commands; to send the line, type a space first"
                raise ArgumentError(f"unknown command {name!r}; {hint}{guess}")

    def _change_route(self, name: str) -> None:
        """Ask another route, if one of its targets is ready.

        Raises:
            TurnoutError: The name is unknown.
            UnavailableError: None is ready; it says what each of them lacks.
        """
        route = self._find_route(name)
        found = lacks(route)
        if len(found) == len({bound.provider for bound in route.targets}):
            reasons = "; ".join(dict.fromkeys(found))
            raise UnavailableError(f"{reasons}; the model is not changed")
        self._session.change_route(route)
        self._changed(name)
        self._note_names()
        _note_all(found)

    def _note_names(self, more: str = "") -> None:
        note(f"Asking {self._session.names()}. {more}")

    def _save(self, name: str) -> None:
        if not name:
            raise ArgumentError("/save needs the name of a file: /save FILE")
        if not self._session.messages:
            raise ArgumentError("nothing was said yet, so there is nothing to save")
        path = Path(name).expanduser()
        text = transcript(path, self._session.messages)
        try:
            file = path.open("x", encoding="utf-8")
        except FileExistsError:
            try:
                click.confirm(f"Replace {one_line(name)}?", abort=True, err=True)
            except click.Abort:
                note("Not saved.")
                return
            file = path.open("w", encoding="utf-8")
        with file:
            file.write(text)
        note(f"Saved to {name}.")


def _note_all(lines: Sequence[str]) -> None:
    for line in dict.fromkeys(lines):
        note(line)
