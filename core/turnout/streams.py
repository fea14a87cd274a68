"""Read an answer while it arrives.

A stream has one reader at a time and one primitive, `_next`, which returns the next
batch of events or ends the stream. Iterating, collecting and entering use it, and so
does code without asyncio. The events come from a *source*: one attempt of a provider,
or a route's reader.

A stream that is dropped closes itself without the cycle collector. So the references go
one way: an iterator refers to the stream, and the stream to its reader.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Sequence,
)
from enum import Enum
from functools import cache
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeAlias, TypeVar

from turnout._record import Record
from turnout.errors import ArgumentError, TurnoutError
from turnout.types import Event, Reply

if TYPE_CHECKING:
    import asyncio

    from typing_extensions import TypeVar as TypeVarWithDefault

    from turnout._background import BackgroundLoop
    from turnout._waiter import Waiter

    T_co = TypeVarWithDefault("T_co", covariant=True, default=Any)
else:
    T_co = TypeVar("T_co", covariant=True)

__all__ = ["Reader", "Source", "Stream", "StreamItems"]

_Item_co = TypeVar("_Item_co", covariant=True)

_Result = TypeVar("_Result")


class Reader(Protocol):
    """The source of a stream's events: an attempt, or a route's driver."""

    async def read(self) -> Sequence[Event] | None:
        """Return the next batch; None if the answer is complete, or was closed.

        Raises:
            TurnoutError: The answer failed. Apart from cancellation, nothing else is
                raised.
        """
        ...

    async def close(self) -> None:
        """Stop reading; may be called again."""
        ...

    def abandon(self) -> None:
        """Release what others wait for, if `close` can no longer be awaited.

        May be called in any thread, because the garbage collector may call it.
        """
        ...


Source: TypeAlias = "Callable[[Record, Waiter], Reader]"
"""Makes the reader of a stream; called once, when the stream is first read."""


class _State(Enum):
    NEW = "not started"
    OPEN = "under way"
    COMPLETE = "complete"
    FAILED = "failed"
    CLOSED = "closed before its end"


class StreamItems(Generic[_Item_co]):
    """The items of `Stream.events` and `Stream.batches`, to be iterated once.

    Use `async for`; in code without an event loop use `for`.
    """

    __slots__ = ("_items", "_without_asyncio")

    def __init__(
        self, items: AsyncGenerator[_Item_co], without_asyncio: Iterator[_Item_co]
    ) -> None:
        self._items = items
        self._without_asyncio = without_asyncio

    def __aiter__(self) -> AsyncIterator[_Item_co]:
        return self._items

    async def __anext__(self) -> _Item_co:
        """Return the next item."""
        return await anext(self._items)

    async def aclose(self) -> None:
        """Close the stream if it has been read from, and is not in a block."""
        await self._items.aclose()

    def __iter__(self) -> Iterator[_Item_co]:
        return self._without_asyncio


class Stream(Generic[T_co]):
    """Iterate over an answer's text as it arrives.

        async for text in stream: ...

    The request is sent when the stream is first iterated, entered or awaited. The
    stream can be iterated once. It ends complete, or closed by the caller, or with an
    error of `turnout.errors`, whose `reply` has what came before.

    Leaving an `async with stream` block, `aclose`, and cancelling the task that
    reads all close the connection at once and send nothing more. A stream that is
    dropped half-read closes itself in the event loop's next iteration, with a
    `ResourceWarning`.

    Code without an event loop uses `for`, `with` and `close` instead. turnout's own
    event loop then reads the stream.
    """

    # Set for a stream that is read without asyncio.
    _background: BackgroundLoop | None = None

    def __init__(self, source: Source) -> None:
        self._source = source
        self._record = Record()
        self._state = _State.NEW
        self._reader: Reader | None = None
        self._waiter: Waiter | None = None
        self._ahead: Sequence[Event] | None = None
        self._claimed = False
        self._entered = False
        self._reading = False
        self._ended: asyncio.Future[None] | None = None

    @property
    def reply(self) -> Reply[T_co]:
        """The answer; while the stream is read, the part that has come so far."""
        return self._record.reply()

    def __aiter__(self) -> AsyncIterator[str]:
        self._claim()
        return self._iterate(everything=False)  # type: ignore[return-value]

    def events(self) -> StreamItems[Event]:
        """Iterate over all events: text as `str`, and the others of `turnout.types`.

        Raises:
            TurnoutError: As iterating over the text does.
        """
        self._claim()
        return StreamItems(
            self._iterate(everything=True), self._iterate_here(everything=True)
        )

    def batches(self) -> StreamItems[list[Event]]:
        """Iterate over all events in lists, one list for each read.

        Each list has the events that came at the same time, so that a program that
        forwards the answer can do so with one write. No list is empty.

        Raises:
            TurnoutError: As iterating over the text does.
        """
        self._claim()
        return StreamItems(self._iterate_batches(), self._iterate_batches_here())

    async def collect(self) -> Reply[T_co]:
        """Read to the end and return the reply.

        Cancelling closes the stream.

        Raises:
            TurnoutError: The answer failed; the error's `reply` has what came before.
            ArgumentError: The stream is already read elsewhere, or was closed.
        """
        if self._state is not _State.COMPLETE:
            self._claim()
            # Nothing was shown to the caller, so any target may start the answer again.
            self._record.unseen = self._state is _State.NEW
            while await self._next() is not None:
                pass
        return self._record.reply()

    def __await__(self) -> Generator[object, None, Reply[T_co]]:
        return self.collect().__await__()

    async def __aenter__(self) -> Self:
        self._entered = True
        if self._state is _State.NEW:
            self._ahead = await self._next()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the stream in any state; for the task that reads it, the stream ends.

        May be called again, also at the same time and from another task.
        """
        if self._state is _State.NEW:
            self._state = _State.CLOSED
        if self._state is not _State.OPEN:
            if self._ended is not None:
                await self._wait_for_end()
            return
        assert self._waiter is not None
        assert self._reader is not None
        if self._waiter.forked:  # The parent process closes it.
            self._state = _State.CLOSED
            return
        self._check_loop()
        self._state = _State.CLOSED
        self._ended = self._waiter.loop.create_future()
        reading = self._reading
        self._waiter.close()
        if reading:  # This wakes the reading task, which closes the reader.
            await self._wait_for_end()
            return
        try:
            await self._reader.close()
        finally:
            self._ended.set_result(None)

    def __iter__(self) -> Iterator[str]:
        self._claim()
        return self._iterate_here(everything=False)  # type: ignore[return-value]

    def __enter__(self) -> Self:
        """Send the request, in code without an event loop."""
        self._run(self.__aenter__)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the stream, in code without an event loop.

        May be called again, and from another thread than the one that reads.

        Raises:
            ArgumentError: The stream is read in an event loop; use `aclose` there.
        """
        if self._state is _State.NEW:
            self._state = _State.CLOSED
        if self._state is not _State.OPEN:
            return
        loop = self._background
        if loop is None:
            raise ArgumentError(
                "the stream is read in an event loop; use `await stream.aclose()` there"
            )
        self._close_on(loop, wait=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state.value}>"

    def __del__(self) -> None:
        # For a stream that was entered; a dropped iterator warns by itself.
        if self._state is _State.OPEN and not sys.is_finalizing():
            assert self._waiter is not None
            assert self._reader is not None
            if self._waiter.forked:
                return  # It belongs to the parent process.
            self._waiter.close()
            self._reader.abandon()
            self._warn()

    def _claim(self) -> None:
        if self._claimed:
            raise ArgumentError(
                "a stream can be read only once; make another for a new answer"
            )
        if self._state is _State.CLOSED:
            raise ArgumentError("the stream was closed; make another for a new answer")
        self._claimed = True

    async def _iterate(self, *, everything: bool) -> AsyncGenerator[Event]:
        try:
            while (batch := await self._next()) is not None:
                for event in batch:
                    # An empty text is not an increment.
                    if event and (everything or isinstance(event, str)):
                        yield event
        except GeneratorExit:
            await self._leave()
            raise

    async def _iterate_batches(self) -> AsyncGenerator[list[Event]]:
        try:
            while (batch := await self._next()) is not None:
                shown = [event for event in batch if event]
                if shown:
                    yield shown
        except GeneratorExit:
            await self._leave()
            raise

    async def _leave(self) -> None:
        """Close the stream with its iterator, unless an `async with` block will."""
        if self._state is _State.OPEN and not self._entered:
            await self.aclose()
            if _dropped():
                self._warn()

    # The same for code without an event loop.

    def _iterate_here(self, *, everything: bool) -> Iterator[Event]:
        for batch in self._read_here():
            for event in batch:
                if event and (everything or isinstance(event, str)):
                    yield event

    def _iterate_batches_here(self) -> Iterator[list[Event]]:
        for batch in self._read_here():
            shown = [event for event in batch if event]
            if shown:
                yield shown

    def _read_here(self) -> Iterator[Sequence[Event]]:
        try:
            while (batch := self._run(self._next)) is not None:
                yield batch
        finally:
            # Nothing is to do if the stream has ended, or a `with` block will close it.
            if self._state in {_State.NEW, _State.OPEN} and not self._entered:
                self._close_on(self._background, wait=False)

    def _close_on(self, loop: BackgroundLoop | None, *, wait: bool) -> None:
        """Close the stream, which may be open on a loop.

        Args:
            loop: None if the stream was never read.
            wait: Whether to wait for the end. The garbage collector does not: it may
                do this in any thread.
        """
        if loop is None or not loop.alive:  # After a fork, the parent closes it.
            self._state = _State.CLOSED
        elif wait:
            loop.call(self.aclose)
        else:
            loop.submit(self.aclose)

    def _run(self, function: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """Run a coroutine of the stream in the background, and return its result."""
        loop = self._background
        if loop is None:
            from turnout._background import background_loop

            loop = self._background = background_loop()
        return loop.call(function)

    async def _next(self) -> Sequence[Event] | None:
        """Return the next batch, or end the stream and return None."""
        if self._ahead is not None:
            if self._state is _State.OPEN:
                self._check_loop()
            ahead, self._ahead = self._ahead, None
            return ahead
        if self._state is not _State.OPEN:
            if self._state is not _State.NEW:
                return None
            self._start()
        else:
            waiter = self._waiter
            assert waiter is not None
            if waiter.running() is not waiter.home:
                raise waiter.elsewhere()
        reader = self._reader
        assert reader is not None
        self._reading = True
        try:
            batch = await reader.read()
            if self._ended is not None:  # It was closed meanwhile.
                await reader.close()
                batch = None
        except TurnoutError as error:
            self._end(_State.FAILED)
            error.reply = self._record.reply()
            raise
        except BaseException:
            self._end(_State.CLOSED)
            reader.abandon()  # It may not have been closed.
            raise
        finally:
            self._reading = False
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(None)
        if self._record.complete and self._ended is None:
            self._end(_State.COMPLETE)
        elif batch is None:
            self._end(_State.CLOSED)
        return batch

    def _start(self) -> None:
        self._waiter = _waiter_type()()
        self._reader = self._source(self._record, self._waiter)
        self._state = _State.OPEN
        if self._background is not None:
            self._background.register(self)

    def _check_loop(self) -> None:
        waiter = self._waiter
        assert waiter is not None
        if waiter.running() is not waiter.home:
            raise waiter.elsewhere()

    def _end(self, state: _State) -> None:
        assert self._waiter is not None
        self._state = state
        self._waiter.close()

    async def _wait_for_end(self) -> None:
        import asyncio

        assert self._ended is not None
        if not self._ended.done():
            self._check_loop()
            await asyncio.shield(self._ended)

    def _warn(self) -> None:
        warnings.warn(
            f"{self!r} was dropped half-read; use `async with`, or await aclose()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )


@cache
def _waiter_type() -> type[Waiter]:
    # Cached, because an import statement takes longer than all of `_start`.
    from turnout._waiter import Waiter

    return Waiter


def _dropped() -> bool:
    """Return whether the event loop closes an iterator without references.

    The loop does that in a separate task. The task's coroutine is the generator's
    `aclose()`, which asyncio accepts although it is not an `async def`.
    """
    import asyncio

    task = asyncio.current_task()
    return task is not None and not isinstance(task.get_coro(), CoroutineType)
