"""A conversation: what was said, and the next question."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Generator, Sequence
from typing import Protocol, cast

from turnout.cli._narrator import Narrator
from turnout.cli._usage import usage_line
from turnout.cli._views import View
from turnout.errors import FallbackError, TurnoutError
from turnout.routes import Route
from turnout.streams import Stream
from turnout.types import Message, Reply, RequestOptions, Target

__all__ = ["ConversationLog", "Session"]

_MOST_NAMES = 3
"""How many targets the header of a conversation names."""


class ConversationLog(Protocol):
    """Keeps the answers of a conversation."""

    def add(
        self,
        question: Message,
        reply: Reply,
        error: TurnoutError | None,
        *,
        options: RequestOptions,
    ) -> None:
        """Add a question and its answer.

        Called after each answer, also after one that failed or was stopped.

        Args:
            question: The user's message.
            reply: The answer so far; its `finish_reason` is None if the user stopped
                it.
            error: Why the answer failed.
            options: The options of the request.
        """
        ...

    def new_conversation(self) -> None:
        """Put the answers that follow into another conversation."""
        ...


class Session:
    """Ask a route, and keep what was said.

    Args:
        route: What to ask.
        runner: Runs the event loop. It turns Ctrl-C into the end of an answer, whose
            connection is closed before anything else happens.
        view: Shows the answers.
        options: Of each request.
        system: The system message; empty means none.
        messages: An earlier conversation to continue. If it begins with a system
            message, `system` replaces that.
        log: Keeps the answers; None means that they are not kept.
        usage: Whether the tokens, the cost and the time of each answer are noted.
    """

    def __init__(
        self,
        route: Route,
        runner: asyncio.Runner,
        view: View,
        options: RequestOptions,
        system: str = "",
        *,
        messages: Sequence[Message] = (),
        log: ConversationLog | None = None,
        usage: bool = False,
    ) -> None:
        self._route = route
        self._runner = runner
        self._view = view
        self._options = options
        self._narrator = Narrator(route, view)
        self._usage = usage
        self._log = log
        self._messages = list(messages)
        if system:
            self._messages[: self._has_system] = [
                Message(role="system", content=system)
            ]

    def ask(self, question: Message) -> None:
        """Ask, show the answer, and keep both as far as the answer came.

        A question that nothing came back to is not kept: the next one would be sent
        with it.

        Raises:
            TurnoutError: The answer failed.
            ClickException: The answer has nothing that can be shown.
            KeyboardInterrupt: The user stopped it.
        """
        stream = self._route.stream([*self._messages, question], **self._options)
        self._narrator.begin(stream)
        began = time.monotonic()
        failure: TurnoutError | None = None
        try:
            self._runner.run(self._show(stream))
        except TurnoutError as error:
            self._view.end(stream.reply, error)
            failure = _of_one_target(error)
            self._narrator.end(failure)
            raise failure from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            self._view.stop()
            raise KeyboardInterrupt from None
        else:
            self._view.end(stream.reply)
        finally:
            self._narrator.stop()
            reply = stream.reply
            if self._usage:
                self._view.note(usage_line(reply, time.monotonic() - began))
            if reply.text:
                # A call is not answered, and a state with one would not be accepted.
                answer = Message(role="assistant", content=reply.text)
                answer = answer if reply.tool_calls else reply.to_message()
                self._messages += [question, answer]
            if self._log is not None:
                self._log.add(question, reply, failure, options=self._options)

    @property
    def route(self) -> Route:
        """What is asked."""
        return self._route

    @property
    def messages(self) -> Sequence[Message]:
        """The conversation so far."""
        return self._messages

    def clear(self) -> None:
        """Forget the conversation, but not its system message."""
        del self._messages[self._has_system :]
        if self._log is not None:
            self._log.new_conversation()

    @property
    def _has_system(self) -> bool:
        return bool(self._messages) and self._messages[0].role == "system"

    def change_route(self, route: Route) -> None:
        """Ask another route from now on."""
        self._route = route
        self._narrator = Narrator(route, self._view)

    def names(self) -> str:
        """Return the targets in words, in the order in which they are asked."""
        names = [_name(bound.target) for bound in self._route.targets]
        more = len(names) - _MOST_NAMES
        shown = ", then ".join(names[:_MOST_NAMES])
        return f"{shown} and {more} more" if more > 0 else shown

    async def _show(self, stream: Stream) -> None:
        with _interruptible():
            async with stream:
                async for event in stream.events():
                    self._view.show(event)


def _name(target: Target) -> str:
    return str(target) if target.model else target.provider


def _of_one_target(error: TurnoutError) -> TurnoutError:
    """Return the last error of the one target that was asked, else the error itself.

    It says more than that no target answered.
    """
    if not isinstance(error, FallbackError):
        return error
    targets = {attempt.target for attempt in error.attempts}
    return cast("TurnoutError", error.exceptions[-1]) if len(targets) == 1 else error


@contextlib.contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C cancel the task that runs in the block.

    The runner does that too, but its handler has to wait for Python's turn: where the
    signal comes between that and the loop's wait, nothing ends the wait (seen in one
    of 60 runs). The loop's own handler wakes it.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield  # As in a shell's background.
        return
    try:
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    except (NotImplementedError, RuntimeError):
        # Windows' loop has no handlers and is woken by any signal; and no thread but
        # the main one gets signals.
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
