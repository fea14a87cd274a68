"""The event loop on which streams are read by code that has none.

There is one for the process, in a real daemon thread, begun with the first synchronous
iteration. It is the one piece of state that this module holds: like the main thread,
it is the same one for all callers.

Under gevent and eventlet the loop has a thread of the operating system too, and asyncio
uses what they have put into `socket` and `selectors`. That works: a hub of greenlets
belongs to a thread, and this thread's hub runs while the loop waits. Callers wait as
greenlets do, so that others go on. If a process is patched after the loop began, the
next stream gets another loop, as the first one never runs its thread's hub.

A fork leaves threads behind. The child begins a loop of its own; a stream that was
begun before the fork gets an error there.
"""

from __future__ import annotations

import _socket  # noqa: PLC2701 what gevent and eventlet do not replace
import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import cache, partial
from typing import Any, Generic, Protocol, TypeVar, TypeVarTuple, cast
from weakref import WeakSet

from turnout._signals import SIGNALS, Signal
from turnout.errors import ArgumentError
from turnout.threads import GreenLibrary, Thread, green_library, new_lock

__all__ = [
    "BackgroundLoop",
    "GreenLoop",
    "background_loop",
]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PATIENCE = 5.0
"""Seconds that the process's end waits for streams to close."""


class _Closable(Protocol):
    """A stream that is read on the loop."""

    async def aclose(self) -> None:
        """Close the stream; may be called again."""
        ...


class GreenLoop(asyncio.SelectorEventLoop):
    """An event loop whose executor has real threads.

    Those of `concurrent.futures` are greenlets of this loop's thread, which the main
    thread cannot wait for at the end of the process.
    """

    def run_in_executor(
        self, executor: object, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread of its own; there is no pool of them."""
        future: asyncio.Future[T] = self.create_future()

        def end(result: T | None, error: BaseException | None) -> None:
            if future.done():  # It was cancelled.
                return
            if error is None:
                future.set_result(cast("T", result))
            else:
                future.set_exception(error)

        def run() -> None:
            result, error = None, None
            try:
                result = func(*args)
            except BaseException as raised:  # noqa: BLE001 raised where it is awaited
                error = raised
            with suppress(RuntimeError):  # The loop is closed.
                self.call_soon_threadsafe(end, result, error)

        Thread(run, name="turnout-executor")
        return future

    async def getaddrinfo(self, host: Any, port: Any, **options: int) -> list[Any]:
        """Look a name up, not through the library's own resolver."""
        look_up = partial(_socket.getaddrinfo, host, port, **options)
        return await self.run_in_executor(None, look_up)


class _Call(Generic[T]):
    """A coroutine that runs in the loop. Its methods are called in the loop's thread.

    Args:
        function: Returns the coroutine. It is made in the loop's thread: if Ctrl-C
            came before it begins, Python would warn that it was never awaited.
        signal: Wakes the caller at the end; None if no caller waits.
    """

    def __init__(
        self, function: Callable[[], Coroutine[Any, Any, T]], signal: Signal | None
    ) -> None:
        self._function = function
        self._signal = signal
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Begin to run the coroutine."""
        self._task = asyncio.get_running_loop().create_task(self._function())
        self._task.add_done_callback(self._end)

    def refuse(self) -> None:
        """Close the coroutine instead of running it; `result` raises CancelledError."""
        self._function().close()
        if self._signal is not None:
            self._signal.set()

    def cancel(self) -> None:
        """Cancel the coroutine."""
        # It is None if Ctrl-C came before `begin` was submitted.
        if self._task is not None:  # pragma: no branch
            self._task.cancel()

    def result(self) -> T:
        """Return what the coroutine returned, or raise what it raised."""
        task = self._task
        if task is None or task.cancelled():
            raise CancelledError
        return task.result()

    def _end(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()  # Else asyncio reports it, where the caller is gone.
        if self._signal is not None:
            self._signal.set()


class BackgroundLoop:
    """An event loop in a thread of its own.

    Args:
        library: Which library's greenlets call it; None means threads.
    """

    def __init__(self, library: GreenLibrary | None = None) -> None:
        self._signal_type = SIGNALS[library]
        self._new_loop = GreenLoop if library else asyncio.new_event_loop
        self._process = os.getpid()
        self._error: BaseException | None = None
        self._closing = False
        self._streams = WeakSet[_Closable]()
        self._loop: asyncio.AbstractEventLoop
        self._ready = new_lock()
        self._ready.acquire()
        self._thread = Thread(self._serve, name="turnout")
        self._ready.acquire()
        if self._error is not None:
            raise self._error
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        """Whether it serves; not so after a fork, which leaves threads behind."""
        return self._process == os.getpid() and self._thread.alive

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result.

        An exception that reaches the waiting thread meanwhile, as Ctrl-C does,
        cancels the coroutine.

        Raises:
            ArgumentError: It is not a coroutine, or this thread runs an event loop,
                which would stand still.
        """
        if not isinstance(cast("object", coroutine), Coroutine):
            raise ArgumentError(
                f"run is given a {type(coroutine).__name__}; it takes a coroutine, as "
                "in run(provider.complete(...))"
            )
        try:
            _check_no_event_loop()
        except ArgumentError:
            coroutine.close()  # Else Python warns that it was never awaited.
            raise
        return self.call(lambda: coroutine)

    def call(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run the coroutine that a function returns, as `run` does.

        Raises:
            ArgumentError: This thread runs an event loop, which would stand still, or
                the loop was begun before a fork.
            CancelledError: The process ends. It is that of `concurrent.futures`.
        """
        _check_no_event_loop()
        if self._process != os.getpid():
            raise ArgumentError(
                "the stream was begun before this process was forked, and its "
                "connection stays with the parent; ask again in this process"
            )
        signal = self._signal_type()
        call = _Call(function, signal)
        try:  # From here on, as Ctrl-C may come between any two steps.
            if not self._call_soon(self._begin, call):
                call.refuse()
            signal.wait()
        except BaseException:
            self._call_soon(call.cancel)
            raise
        finally:
            signal.close()
        return call.result()

    def submit(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Begin to run the coroutine that a function returns, and do not wait."""
        self._call_soon(self._begin, _Call(function, None))

    def register(self, stream: _Closable) -> None:
        """Close the stream when the loop ends. Called in the loop's thread."""
        self._streams.add(stream)

    def close(self) -> None:
        """Close what is open, and end the thread."""
        atexit.unregister(self.close)
        if self.alive:
            self._call_soon(self._loop.stop)
            self._thread.join(_PATIENCE)

    def _serve(self) -> None:
        try:
            self._loop = loop = self._new_loop()
        except BaseException as error:  # noqa: BLE001 raised where it is waited for
            self._error = error
            return
        finally:
            self._ready.release()
        try:
            _run_until_stopped(loop)
            loop.run_until_complete(self._end())
        finally:
            loop.close()

    def _begin(self, call: _Call[Any]) -> None:
        if self._closing:
            call.refuse()
        else:
            call.begin()

    async def _end(self) -> None:
        """Cancel what runs, close the streams that are not being read, begin no more.

        `asyncio.run` ends a loop in another way: it begins a thread for the executor,
        which Python 3.12.1 refuses at the end of the process.
        """
        self._closing = True
        # Held until they are closed: one that is dropped before prints a warning.
        streams = list(self._streams)
        for task in _other_tasks():
            task.cancel()
        await _wait_for_others()
        for stream in streams:
            with suppress(Exception):
                await stream.aclose()
        await asyncio.get_running_loop().shutdown_asyncgens()
        await asyncio.sleep(0)  # Begins what the garbage collector of a thread closes.
        await _wait_for_others()

    def _call_soon(self, function: Callable[[*Ts], object], *args: *Ts) -> bool:
        """Call a function in the loop's thread; return False if the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            return False
        return True


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            continue  # A task raised it, and its caller gets it: the loop goes on.
        return


def _other_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def _wait_for_others() -> None:
    await asyncio.gather(*_other_tasks(), return_exceptions=True)


def _check_no_event_loop() -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    # To asyncio, all greenlets are one thread: another one may be what runs the loop.
    if getattr(loop, "_thread_id", None) != threading.get_ident() and green_library():
        return
    raise ArgumentError(
        "an event loop runs in this thread; use `async for` and `await`"
    )


def background_loop() -> BackgroundLoop:
    """Return the process's background loop."""
    library = green_library()
    # A real lock: no greenlet waits while it is held.
    with _starting:
        loop = _background_loop(library)
        if not loop.alive:
            _background_loop.cache_clear()
            loop = _background_loop(library)
        return loop


@cache
def _background_loop(library: GreenLibrary | None) -> BackgroundLoop:
    return BackgroundLoop(library)


_starting = new_lock()
"""Held so that two threads do not begin two loops."""


def _renew_lock() -> None:
    global _starting
    _starting = new_lock()  # Another thread may have held the old one at the fork.


# Windows has no forks.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_renew_lock)
