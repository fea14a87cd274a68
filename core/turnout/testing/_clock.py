"""Time that passes only when a test says so, or when nothing else is left to do.

`run_simulated` gives asyncio's own event loop two other parts: its `time` is a
`SimulatedClock`'s, and its selector, where the loop would sleep until its next timer,
sets the clock to that timer instead. All else of the loop is as it was.

What makes that sound is what the selector looks at first. Sockets: what one end on
loopback has sent is there for the other at once, or, where the system takes its time,
within the grace. Threads: as long as one works for the loop, time stands still.
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
"""Real seconds that what is on its way over loopback has, before time goes on."""

_OWN_FILES = 1
"""The loop wakes itself through one socket, which nobody else writes to."""

_SelectorKey = selectors.SelectorKey


class SimulatedClock:
    """Seconds that pass when they are told to.

    Args:
        start: What it shows at first.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def __call__(self) -> float:
        """Return the seconds that it shows, as `time.monotonic` does."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass.

        Raises:
            ValueError: They are less than none.
        """
        if not seconds >= 0:
            raise ValueError(f"time does not go back: {seconds!r} seconds")
        self._now += seconds


def run_simulated(
    main: Coroutine[Any, Any, T], *, clock: SimulatedClock | None = None
) -> T:
    """Run a coroutine as `asyncio.run` does, by a simulated clock; return its result.

    `asyncio.sleep`, `asyncio.timeout` and all of turnout's timers go by the simulated
    time, which jumps to the next timer as soon as nothing else can be done: ten
    minutes take milliseconds.

    Sockets work where both of their ends are in this coroutine's event loop, as those
    of a `FaultServer` are. To a peer in another thread, another process or another
    machine, time may jump ahead of its answer. Threads that the loop waits for
    (`asyncio.to_thread`) hold time still. What reads the machine's own clock, as
    `time.monotonic` does, sees hardly any time pass.

    Args:
        main: What to run.
        clock: The clock that it runs by, to be read or advanced by the test; None
            means a new one, which `asyncio.get_running_loop().time()` shows.

    Raises:
        RuntimeError: An event loop runs in this thread.
    """
    if _is_loop_running():
        main.close()  # Else Python warns that it was never awaited.
        raise RuntimeError("an event loop runs in this thread; `await` there")
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
    """asyncio's event loop, by a simulated clock."""

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
        # Python 3.12 sets a timer here, for a thread that is not begun as others are.
        self._jumping.threads += 1
        try:
            await super().shutdown_default_executor(*limit, **limits)
        finally:
            self._jumping.threads -= 1

    def _thread_done(self, _: asyncio.Future[T]) -> None:
        self._jumping.threads -= 1


class _JumpingSelector(selectors.BaseSelector):
    """A selector that, instead of sleeping, sets the clock."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._real = selectors.DefaultSelector()
        self.threads = 0
        """How many threads are at work for the loop."""

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
