"""A simulated clock that advances only if a test says so, or if nothing else can run.

`run_simulated` replaces two parts of asyncio's event loop: its `time` is that of a
`SimulatedClock`, and its selector sets the clock to the next timer instead of sleeping
until then. The rest of the loop is asyncio's.

Before that, the selector checks for other work. Sockets: bytes that one end on loopback
has sent are there for the other at once, or, if the system is slow, within `_GRACE`.
Threads: the clock stops while a thread works for the loop.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

__all__ = ["SimulatedClock", "run_simulated"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_GRACE = 0.005
"""Real seconds to wait for bytes on loopback before the clock advances."""

_OWN_FILES = 1
"""The loop has one socket of its own, to wake itself."""

_SelectorKey = selectors.SelectorKey


class SimulatedClock:
    """A clock that a test advances.

    Args:
        start: Its first time, in seconds.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def __call__(self) -> float:
        """Return its time in seconds, as `time.monotonic` does."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Advance the clock.

        Raises:
            ValueError: `seconds` is negative.
        """
        if not seconds >= 0:
            raise ValueError(
                f"seconds={seconds!r}: time does not go back; set 0 or more"
            )
        self._now += seconds


def run_simulated(
    main: Coroutine[Any, Any, T], *, clock: SimulatedClock | None = None
) -> T:
    """Run a coroutine as `asyncio.run` does, with a simulated clock; return its result.

    `asyncio.sleep`, `asyncio.timeout` and all of turnout's timers use the simulated
    time, which jumps to the next timer when nothing else can run: ten minutes take
    milliseconds.

    Sockets work if both ends are in this coroutine's event loop, as those of a
    `FaultServer` are. For a peer in another thread, process or machine, the time may
    jump before its answer comes. While the loop waits for a thread
    (`asyncio.to_thread`), the time stops. Code that reads the machine's own clock, such
    as `time.monotonic`, measures hardly any time.

    Args:
        main: The coroutine to run.
        clock: The clock to use, which the test may read or advance; None means a new
            one, which `asyncio.get_running_loop().time()` returns.

    Raises:
        RuntimeError: An event loop runs in this thread.
    """
    if _is_loop_running():
        main.close()  # Otherwise Python warns that it was never awaited.
        raise RuntimeError("an event loop runs in this thread; await the coroutine")
    shown = clock if clock is not None else SimulatedClock()
    with asyncio.Runner(loop_factory=lambda: _SimulatedLoop(shown)) as runner:
        return runner.run(main)


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _SimulatedLoop(asyncio.SelectorEventLoop):
    """asyncio's event loop, with a simulated clock."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._jumping = _JumpingSelector(clock)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._clock()

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *limit: Any, **limits: Any) -> None:
        # Python 3.12 sets a timer here, for a thread that `run_in_executor` did not
        # start.
        self._jumping.threads += 1
        try:
            await super().shutdown_default_executor(*limit, **limits)
        finally:
            self._jumping.threads -= 1

    def _thread_done(self, _: asyncio.Future[T]) -> None:
        self._jumping.threads -= 1


class _JumpingSelector(selectors.BaseSelector):
    """A selector that advances the clock instead of sleeping."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._real = selectors.DefaultSelector()
        self.threads = 0
        """How many threads work for the loop."""

    def select(self, timeout: float | None = None) -> list[tuple[_SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._real.select(timeout)
        if self.threads:
            return self._real.select(None)
        has_sockets = len(self._real.get_map()) > _OWN_FILES
        ready = self._real.select(_GRACE if has_sockets else 0)
        if not ready:
            self._clock.advance(timeout)
        return ready

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> _SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> _SelectorKey:
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> _SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileDescriptorLike, _SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
