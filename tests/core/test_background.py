"""Streams read by code that has no event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from turnout import run
from turnout._background import BackgroundLoop, background_loop
from turnout.errors import ArgumentError, ServerError
from turnout.types import ChatRequest

from .scripted import Scripted, saying
from .subprocesses import ENDLESS, environment, output_of, script, strict


def test_a_stream_is_iterated_without_an_event_loop() -> None:
    stream = saying("a", "", ["b", "c"]).stream("Why?")

    assert list(stream) == ["a", "b", "c"]
    assert stream.reply.text == "abc"
    assert stream.reply.finish_reason == "unknown"


def test_an_error_reaches_synchronous_code_with_what_came() -> None:
    with pytest.raises(ServerError) as caught:
        list(saying("a", ServerError("no")).stream("Why?"))

    assert caught.value.reply is not None
    assert caught.value.reply.text == "a"


def test_a_stream_is_read_once_in_synchronous_code_too() -> None:
    stream = saying("a").stream("Why?")
    assert list(stream) == ["a"]

    with pytest.raises(ArgumentError, match="read only once"):
        list(stream)


@pytest.mark.parametrize("given", ["a", saying("a").stream("Why?"), None])
def test_what_is_no_coroutine_is_refused(given: Any) -> None:
    kind = type(given).__name__

    with pytest.raises(ArgumentError, match=f"run is given a {kind}; it takes a cor"):
        run(given)


def test_all_synchronous_code_shares_one_event_loop() -> None:
    loops: list[object] = []

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        loops.append(asyncio.get_running_loop())
        yield "a"

    list(Scripted(answer).stream("Why?"))
    run(Scripted(answer).complete("Why?"))
    thread = threading.Thread(target=lambda: list(Scripted(answer).stream("Why?")))
    thread.start()
    thread.join()

    assert len(loops) == 3
    assert len(set(loops)) == 1


def test_two_threads_that_begin_at_once_share_one_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Loop] = []
    both = threading.Barrier(2)

    class Loop:
        alive = True

        def __init__(self, library: object) -> None:
            made.append(self)
            # The other thread has time to come as far as this, if nothing stops it.
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.2)

    monkeypatch.setattr("turnout._background.BackgroundLoop", Loop)
    monkeypatch.setattr("turnout._background._background_loop", _uncached())
    threads = [threading.Thread(target=background_loop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1


def _uncached() -> object:
    from functools import cache

    from turnout import _background

    @cache
    def begin(library: None) -> object:
        return _background.BackgroundLoop(library)

    return begin


async def test_synchronous_iteration_within_an_event_loop_says_what_to_do() -> None:
    with pytest.raises(ArgumentError, match="async for"):
        list(saying("a").stream("Why?"))


async def test_run_within_an_event_loop_says_what_to_do() -> None:
    with pytest.raises(ArgumentError, match="await"):
        run(saying("a").complete("Why?"))


def test_leaving_the_loop_closes_the_stream() -> None:
    closed = threading.Event()

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            while True:
                yield "a"
                await asyncio.sleep(0)
        finally:
            closed.set()

    stream = Scripted(answer).stream("Why?")
    for _ in stream:
        break

    assert closed.wait(60)


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals to no thread")
def test_an_exception_in_the_waiting_thread_cancels_the_coroutine(
    loop: BackgroundLoop,
) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupt() -> None:
        started.wait(60)
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.get_ident()
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        loop.run(wait())
    thread.join()

    assert cancelled.wait(60)


def test_what_ends_a_process_ends_only_its_coroutine(loop: BackgroundLoop) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        loop.run(leave())

    assert loop.run(asyncio.sleep(0, "alive")) == "alive"


def test_a_coroutine_that_is_cancelled_says_so(loop: BackgroundLoop) -> None:
    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CancelledError):
        loop.run(cancel())


def test_a_loop_that_cannot_begin_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            raise OSError("too many open files")

    monkeypatch.setattr(asyncio.events, "_event_loop_policy", Policy())

    with pytest.raises(OSError, match="too many"):
        BackgroundLoop()


def test_a_call_after_the_loop_is_closed_is_cancelled(loop: BackgroundLoop) -> None:
    loop.close()

    with pytest.raises(CancelledError):
        loop.run(asyncio.sleep(0))
    loop.submit(lambda: asyncio.sleep(0))


def test_a_call_while_the_loop_closes_is_cancelled(loop: BackgroundLoop) -> None:
    refused = threading.Event()
    begun = threading.Event()
    outcomes: list[str] = []

    async def slow_to_end() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            loop.submit(lambda: asyncio.sleep(0))
            await asyncio.to_thread(ask)

    def ask() -> None:
        try:
            loop.run(asyncio.sleep(0))
        except CancelledError:
            outcomes.append("cancelled")
        refused.set()

    loop.submit(slow_to_end)
    assert begun.wait(60)
    loop.close()

    assert refused.wait(60)
    assert outcomes == ["cancelled"]


def test_a_loop_that_is_closed_may_be_closed_again(loop: BackgroundLoop) -> None:
    before = loop.alive
    loop.close()
    loop.close()

    assert (before, loop.alive) == (True, False)


def test_a_stream_whose_loop_has_ended_is_closed(
    monkeypatch: pytest.MonkeyPatch, loop: BackgroundLoop
) -> None:
    monkeypatch.setattr("turnout._background.background_loop", lambda: loop)
    stream = saying("a", "b").stream("Why?")
    texts = iter(stream)
    next(texts)
    loop.close()
    del texts

    assert "closed" in repr(stream)


def test_a_process_may_end_while_it_streams() -> None:
    output = output_of(
        ENDLESS,
        """
        texts = iter(Endless().stream("Why?"))
        tell(next(texts))
        """,
    )

    assert output == "a\nclosed\n"


def test_a_process_may_end_in_the_middle_of_a_loop() -> None:
    output = output_of(
        ENDLESS,
        """
        for text in Endless().stream("Why?"):
            tell(text)
            sys.exit(0)
        """,
    )

    assert output == "a\nclosed\n"


def test_a_process_may_end_while_a_thread_streams() -> None:
    output = output_of(
        ENDLESS,
        """
        import threading
        begun = threading.Event()
        def read():
            try:
                for _ in Endless().stream("Why?"):
                    begun.set()
            except BaseException:
                pass
        threading.Thread(target=read, daemon=True).start()
        begun.wait()
        """,
    )

    assert output == "closed\n"


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT to send")
def test_interrupting_closes_the_stream_and_ends_the_process() -> None:
    source = script(
        ENDLESS,
        """
        try:
            for text in Endless().stream("Why?"):
                tell("text")
        except KeyboardInterrupt:
            tell("interrupted")
        """,
    )
    with subprocess.Popen(
        [*strict(), "-c", source],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "text\n"
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=120)

    assert (process.returncode, complaints) == (0, "")
    assert set(output.split()) - {"text"} == {"interrupted", "closed"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="has no fork")
def test_a_forked_process_has_a_loop_of_its_own() -> None:
    # Since 3.12 Python warns of any fork of a process with threads.
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:This process"]
    output = output_of(
        ENDLESS,
        """
        import os
        texts = iter(Endless().stream("Why?"))
        next(texts)
        child = os.fork()
        if not child:
            other = iter(Endless().stream("Why?"))
            tell(f"child {next(other)}")
            other.close()
            del texts
        else:
            assert os.waitpid(child, 0)[1] == 0
            tell(f"parent {next(texts)}")
        """,
        command=command,
    )

    assert sorted(output.splitlines()) == ["child a", "closed", "closed", "parent a"]
