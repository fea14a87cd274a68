"""Generations in threads, read by event loops.

The engine's call blocks its thread until an answer is whole and calls back once a
token. So every answer under way has a thread, of which there are as many as there
are slots; what is asked beyond that waits, first come first served. A thread is
begun when there is something to do and ends when there is nothing more.

    event loop                              thread
    generate() ── waits in line ──────────> takes it, loads the model where needed
    read()     <── batches of chunks ────── callback, once a token
    cancel()   ── a flag ─────────────────> callback returns True: the engine stops

Neither side ever waits for the other but `read` for a chunk. A callback that blocked
while the reader is slow would keep nothing back: the engine goes on generating, and
queues what comes. What waits here is bounded all the same, by the context: an answer
has no more tokens than that.

A reader may vanish without a word, with its event loop. A chunk that comes for a
closed loop ends the generation.

At the end of the process `close` stops all threads before Python takes itself apart,
and no more are begun: one that came back from C++ later than that would have nothing
to return to, and the process would crash.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol
from weakref import WeakSet

from turnout.errors import OverloadedError, UnavailableError
from turnout.threads import Thread, new_lock
from turnout_local._protocol import Chunk

__all__ = ["Engine", "Generation", "Server"]

MAX_WAITING = 1024
"""How many requests may wait for a slot; further ones are refused at once."""


PATIENCE = 1.0
"""Seconds that releasing waits for what was cancelled to end."""


class Server(Protocol):
    """What is needed of `xllamacpp.Server`."""

    def handle_chat_completions(
        self, body: dict[str, object], callback: Callable[[Chunk], bool], /
    ) -> object:
        """Generate an answer, and block until it is whole.

        Args:
            body: The request.
            callback: Called with each chunk, in this thread; True ends the answer.
        """
        ...


class Generation:
    """One answer: filled by a thread, read by the event loop that asked for it."""

    def __init__(self, body: dict[str, object]) -> None:
        self._body = body
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._lock = new_lock()  # Guards what follows.
        self._chunks: list[Chunk] = []
        self._error: Exception | None = None
        self._ended = False
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the answer any more."""
        return self._cancelled

    async def read(self) -> list[Chunk]:
        """Wait for chunks and return all there are; none, once the answer is whole.

        Cancelling changes nothing: `cancel` is what ends the generation.

        Raises:
            Exception: What the engine's thread raised.
        """
        while True:
            self._ready.clear()
            with self._lock:
                chunks, self._chunks = self._chunks, []
                ended, error = self._ended, self._error
            if chunks:
                return chunks
            if error is not None:
                raise error
            if ended:
                return []
            await self._ready.wait()

    def cancel(self) -> None:
        """End the generation with its next token; does not wait for that."""
        self._cancelled = True

    def run(self, server: Callable[[], Server]) -> None:
        """Generate the answer, in the thread that calls this.

        Args:
            server: Returns the server, and loads it first where that is to be done.
                It is not kept, nor held by the traceback of an error.
        """
        error: Exception | None = None
        try:
            server()
            if not self._cancelled:
                server().handle_chat_completions(self._body, self._take)
        except Exception as raised:  # noqa: BLE001 - The reader is to have it.
            error = raised
        self.end(error)

    def end(self, error: Exception | None = None) -> None:
        """Let the reader see the end, after what it has not read yet."""
        with self._lock:
            self._ended, self._error = True, error
        self._wake()

    def _take(self, chunk: Chunk) -> bool:
        with self._lock:
            first = not self._chunks
            self._chunks.append(chunk)
        if first or self._loop.is_closed():
            self._wake()
        return self._cancelled

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # The loop is closed: nobody is there to read.
            self._cancelled = True


class Engine:
    """A model, loaded with the first request, and the threads that generate with it.

    Usable from every thread and event loop.

    Args:
        load: Returns the server. Called in a thread; what it raises is the failure of
            the generation that needed it, and the next one tries again.
        slots: How many answers are generated at a time.
    """

    def __init__(self, load: Callable[[], Server], *, slots: int) -> None:
        self._load = load
        self._slots = slots
        self._loading = new_lock()  # Held for the time of a load.
        self._server: Server | None = None
        self._load_begun = False
        self._lock = new_lock()  # Guards what follows, and is held briefly.
        self._waiting: deque[Generation] = deque()
        # Both by a key of the thread.
        self._threads: dict[object, Thread] = {}
        self._running: dict[object, Generation] = {}
        self._users: WeakSet[object] = WeakSet()
        self._unload_when_idle = False

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._server is not None

    @property
    def load_begun(self) -> bool:
        """Whether the model was ever loaded, or is being loaded."""
        return self._load_begun

    @property
    def busy(self) -> int:
        """How many threads there are."""
        return len(self._threads)

    def generate(self, body: dict[str, object], *, user: object) -> Generation:
        """Put a request in line, and return its answer to be read.

        Args:
            body: The request, in the engine's form.
            user: Who wants the model kept until it is released.

        Raises:
            OverloadedError: Too many are in line already.
            UnavailableError: The process is ending.
        """
        generation = Generation(body)
        with self._lock:
            if _process_is_ending():
                raise UnavailableError("the process is ending")
            if len(self._waiting) >= MAX_WAITING:
                self._waiting = deque(w for w in self._waiting if not w.cancelled)
            if len(self._waiting) >= MAX_WAITING:
                raise OverloadedError(
                    f"{MAX_WAITING} requests wait for the local model already"
                )
            if len(self._threads) < self._slots:
                # It waits for the lock before it looks at the line.
                key = object()
                self._threads[key] = Thread(
                    partial(self._work, key), name="turnout-local"
                )
            self._waiting.append(generation)
            self._users.add(user)
            self._unload_when_idle = False
        return generation

    def release(self, user: object) -> None:
        """Unload the model if nobody else uses it; once its answers are whole.

        Blocks while it unloads, which takes some 50 ms with Python's lock held
        (observed 2026-11-22), and before that for the end of what was cancelled. A
        user that was garbage collected is none any more.
        """
        with self._lock:
            self._users.discard(user)
            if self._users:
                return
            self._unload_when_idle = True
            wanted = (*self._waiting, *self._running.values())
            ending = all(generation.cancelled for generation in wanted)
            threads = list(self._threads.values()) if ending else []
        patience = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, patience - time.monotonic()))
        with self._lock:
            server = self._take_idle_server()
        # Destroyed here, outside the lock. The last thread did it, where there was one.
        del server

    def close(self) -> None:
        """Stop all generations, wait for their threads and unload the model."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            threads = list(self._threads.values())
            for generation in (*waiting, *self._running.values()):
                generation.cancel()
        for generation in waiting:
            generation.end()
        for thread in threads:
            thread.join()
        self._server = None

    def _work(self, key: object) -> None:
        while (generation := self._next(key)) is not None:
            generation.run(self._loaded)

    def _next(self, key: object) -> Generation | None:
        """Return the next in line; None if there is none, and the thread ends."""
        with self._lock:
            while self._waiting:
                generation = self._waiting.popleft()
                if not generation.cancelled:
                    self._running[key] = generation
                    return generation
            self._running.pop(key, None)
            del self._threads[key]
            server = self._take_idle_server()
        del server
        return None

    def _take_idle_server(self) -> Server | None:
        """Take the server away where it is to be unloaded; the lock is held."""
        if not self._unload_when_idle or self._threads:
            return None
        server, self._server = self._server, None
        return server

    def _loaded(self) -> Server:
        with self._loading:
            if self._server is None:
                self._load_begun = True
                self._server = self._load()
            return self._server


def _process_is_ending() -> bool:
    """Tell whether Python ends without waiting for this thread."""
    daemon = threading.current_thread().daemon
    return daemon and not threading.main_thread().is_alive()
