"""An engine's server whose tokens the test gives out one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from turnout_local._protocol import Chunk


def text(value: str) -> Chunk:
    return {"choices": [{"delta": {"content": value}, "finish_reason": None}]}


FINISH: Chunk = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


class Call:
    """One call of the server, stopped before each chunk until the test lets it on."""

    def __init__(self, body: dict[str, object], callback: Callable[[Chunk], bool]):
        self.body = body
        self.thread = threading.current_thread()
        self._callback = callback
        self._steps = threading.Semaphore(0)
        self._told = threading.Semaphore(0)
        self._chunk: Chunk | None = None
        self._error: Exception | None = None
        self.aborted = False

    def give(self, chunk: Chunk) -> None:
        """Let the engine call back with a chunk, and wait until it has."""
        self._chunk = chunk
        self._steps.release()
        assert self._told.acquire(timeout=60)

    def finish(self, error: Exception | None = None) -> None:
        """Let the call return, or raise."""
        self._chunk, self._error = None, error
        self._steps.release()

    def serve(self) -> None:
        while not self.aborted:
            self._steps.acquire()
            if self._chunk is None:
                if self._error is not None:
                    raise self._error
                return
            self.aborted = self._callback(self._chunk)
            self._told.release()


class FakeServer:
    """Take the place of `xllamacpp.Server`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._called = threading.Semaphore(0)
        self._seen = 0

    def handle_chat_completions(
        self, body: dict[str, object], callback: Callable[[Chunk], bool], /
    ) -> None:
        call = Call(body, callback)
        self.calls.append(call)
        self._called.release()
        call.serve()

    def next_call(self) -> Call:
        """Wait for a further call and return it."""
        assert self._called.acquire(timeout=60)
        self._seen += 1
        return self.calls[self._seen - 1]

    def let_go(self) -> None:
        """Let all calls return, so that no thread is left waiting."""
        for call in self.calls:
            call.finish()
