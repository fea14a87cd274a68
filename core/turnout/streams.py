"""Read an answer while it comes.

A stream has one reader at a time and one primitive, `_next`, which returns the next
batch of events or ends the stream. Iterating, collecting and entering use it, and so
does code without asyncio. The events come from a *source*: one attempt of a provider,
or a route's reader.

A stream that is dropped closes itself without waiting for the garbage collector. So an
iterator holds the stream, the stream holds its reader, and neither is held by what it
holds.
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
    """What a stream reads: an attempt, or a route's driver."""

    async def read(self) -> Sequence[Event] | None:
        """Return the next batch; None when the answer is complete, or was closed.

        Raises:
            TurnoutError: Whatever went wrong; nothing else but cancellation leaves.
        """
        ...

    async def close(self) -> None:
        """End what is read where it stands; may be called again."""
        ...

    def abandon(self) -> None:
        """Give back what others wait for, as nobody is left to close this.

        May be called in any thread, since the garbage collector may be what does.
        """
        ...


Source: TypeAlias = "Callable[[Record, Waiter], Reader]"
"""Begins what a stream reads; called once, when the stream is first read."""


class _State(Enum):
    NEW = "not started"
    OPEN = "under way"
    COMPLETE = "complete"
    FAILED = "failed"
    CLOSED = "closed before its end"


class StreamItems(Generic[_Item_co]):
    """Iterate over what `Stream.events` and `Stream.batches` give, once.

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
    """Iterate over an answer's text as it comes.

        async for text in stream: ...

    The request is sent when the stream is first iterated, entered or awaited. It
    can be iterated once. It ends complete, or with an error of `turnout.errors`
    whose `reply` holds what had come, or closed by the caller.

    Leaving an `async with stream` block, `aclose`, and cancelling the task that
    reads all free the connection at once and send nothing more. A stream that is
    dropped half-read closes itself on the event loop's next turn, with a
    `ResourceWarning`.

    Code without an event loop uses `for`, `with` and `close` instead. The stream is
    then read on an event loop of turnout's own.
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
        """The answer; what came so far while the stream is under way."""
        return self._record.reply()

    def __aiter__(self) -> AsyncIterator[str]:
        self._claim()
        return self._iterate(everything=False)  # type: ignore[return-value]

    def events(self) -> StreamItems[Event]:
        """Iterate over everything: text as `str`, and the events of `turnout.types`.

        Raises:
            TurnoutError: As iterating over the text does.
        """
        self._claim()
        return StreamItems(
            self._iterate(everything=True), self._iterate_here(everything=True)
        )

    def batches(self) -> StreamItems[list[Event]]:
        """Iterate over everything in lists: the events that one read brought.

        Each list holds what came at the same time, so that a program that passes the
        answer on can do so with one write. None is empty.

        Raises:
            TurnoutError: As iterating over the text does.
        """
        self._claim()
        return StreamItems(self._iterate_batches(), self._iterate_batches_here())

    async def collect(self) -> Reply[T_co]:
        """Read to the end and return the reply.

        Cancelling closes the stream.

        Raises:
            TurnoutError: The answer failed; the error's `reply` holds what came.
            ArgumentError: The stream is read elsewhere, or was closed.
        """
        if self._state is not _State.COMPLETE:
            self._claim()
            # What was not shown may be started again on any target.
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
        """Close the stream, whatever its state; the task that reads it sees it end.

        May be called again, at the same time too, and from another task.
        """
        if self._state is _State.NEW:
            self._state = _State.CLOSED
        if self._state is not _State.OPEN:
            if self._ended is not None:
                await self._wait_for_end()
            return
        assert self._waiter is not None
        assert self._reader is not None
        if self._waiter.forked:  # The parent closes it.
            self._state = _State.CLOSED
            return
        self._check_loop()
        self._state = _State.CLOSED
        self._ended = self._waiter.loop.create_future()
        reading = self._reading
        self._waiter.close()
        if reading:  # The reader is woken and closes what it reads.
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
            ArgumentError: The stream is read in an event loop, where `aclose` is used.
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
        if loop.alive:
            loop.call(self.aclose)
        else:  # It closed what was open when it ended.
            self._state = _State.CLOSED

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state.value}>"

    def __del__(self) -> None:
        # An iterator warns by itself; this is for a stream that was entered and lost.
        if self._state is _State.OPEN and not sys.is_finalizing():
            assert self._waiter is not None
            assert self._reader is not None
            if self._waiter.forked:
                return  # It is the parent's.
            self._waiter.close()
            self._reader.abandon()
            self._warn()

    def _claim(self) -> None:
        if self._claimed:
            raise ArgumentError("a stream is read once; ask again for another")
        if self._state is _State.CLOSED:
            raise ArgumentError("the stream was closed; ask again for another")
        self._claimed = True

    async def _iterate(self, *, everything: bool) -> AsyncGenerator[Event]:
        try:
            while (batch := await self._next()) is not None:
                for event in batch:
                    # An empty text is no increment.
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
        """Close the stream as its iterator is closed, unless a block will close it."""
        if self._state is _State.OPEN and not self._entered:
            await self.aclose()
            if _dropped():
                self._warn()

    # The same in code without an event loop.

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
            # If the stream has ended or a block will close it, nothing is to be done.
            if self._state in {_State.NEW, _State.OPEN} and not self._entered:
                loop = self._background
                if loop is not None and loop.alive:
                    # Not waited for: the garbage collector may do this, in any thread.
                    loop.submit(self.aclose)
                else:  # It closed what was open when it ended.
                    self._state = _State.CLOSED

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
            if self._ended is not None:  # Closed meanwhile.
                await reader.close()
                batch = None
        except TurnoutError as error:
            self._end(_State.FAILED)
            error.reply = self._record.reply()
            raise
        except BaseException:
            self._end(_State.CLOSED)
            reader.abandon()  # Where it had no chance to close.
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
            f"{self!r} was dropped half-read; leave it by `async with`, or aclose it",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )


@cache
def _waiter_type() -> type[Waiter]:
    # Once, as an import statement costs a stream more than all of `_start`.
    from turnout._waiter import Waiter

    return Waiter


def _dropped() -> bool:
    """Tell whether the event loop closes an iterator that nobody holds any more.

    It does that in a task of its own, which runs no coroutine but the closing: an
    awaitable that asyncio takes for a coroutine, but no `async def`.
    """
    import asyncio

    task = asyncio.current_task()
    return task is not None and not isinstance(task.get_coro(), CoroutineType)
