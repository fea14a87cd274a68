from __future__ import annotations

import asyncio
import socket
import sys
import warnings
from collections.abc import AsyncGenerator

import pytest

from turnout.testing import FakeProvider, LeakCheck, Pause, run_clean, run_simulated


def test_the_result_comes_back() -> None:
    async def main() -> int:
        await asyncio.sleep(0)
        return 7

    assert run_clean(main) == 7


def test_a_task_that_is_left_is_found() -> None:
    kept: list[asyncio.Task[None]] = []

    async def main() -> None:
        kept.append(asyncio.create_task(asyncio.sleep(60)))

    with pytest.raises(AssertionError, match="Task"):
        run_clean(main)


def test_a_socket_that_is_left_is_found() -> None:
    kept: list[socket.socket] = []

    async def main() -> None:
        kept.append(socket.socket())

    with pytest.raises(AssertionError, match="socket"):
        run_clean(main)
    kept[0].close()


def test_a_socket_that_is_dropped_is_found() -> None:
    async def main() -> None:
        socket.socket()

    with pytest.raises(AssertionError, match="unclosed"):
        run_clean(main)


def test_a_complaint_of_the_loop_is_found() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "lost"})

    with pytest.raises(AssertionError, match="lost"):
        run_clean(main)


def test_a_warning_is_found() -> None:
    async def main() -> None:
        warnings.warn("beware", stacklevel=1)

    with pytest.raises(AssertionError, match="beware"):
        run_clean(main)


async def test_a_block_that_leaves_nothing_passes() -> None:
    async with LeakCheck():
        async with FakeProvider("Hello") as provider:
            await provider.complete("Hi")


async def test_what_was_there_before_may_stay() -> None:
    with socket.socket():
        before = asyncio.create_task(asyncio.sleep(60))
        async with LeakCheck(within=0):
            await asyncio.sleep(0)
        before.cancel()


@pytest.mark.skipif(sys.platform == "win32", reason="pairs of other sockets")
async def test_a_pair_that_a_loop_wakes_itself_with_may_stay() -> None:
    check = await LeakCheck(within=0).__aenter__()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        await check.__aexit__(None, None, None)


async def test_a_block_may_end_with_what_is_still_closing() -> None:
    async with LeakCheck():
        _ = asyncio.create_task(asyncio.sleep(0.03))  # noqa: RUF006


async def endless() -> AsyncGenerator[int]:
    while True:
        yield 1


async def test_a_task_that_a_block_leaves_is_found() -> None:
    check = await LeakCheck(within=0).__aenter__()
    task = asyncio.create_task(asyncio.sleep(60))
    with pytest.raises(AssertionError, match=r"left behind.+sleep"):
        await check.__aexit__(None, None, None)
    task.cancel()


async def test_a_socket_that_a_block_leaves_is_found() -> None:
    check = await LeakCheck(within=0).__aenter__()
    with socket.socket():
        with pytest.raises(AssertionError, match=r"left behind.+socket"):
            await check.__aexit__(None, None, None)


async def test_a_generator_that_a_block_leaves_is_found() -> None:
    check = await LeakCheck(within=0).__aenter__()
    left = endless()
    await anext(left)
    with pytest.raises(AssertionError, match=r"left behind.+endless"):
        await check.__aexit__(None, None, None)
    await left.aclose()


async def test_an_error_of_the_block_is_not_hidden() -> None:
    async def block() -> None:
        async with LeakCheck(within=0):
            kept.append(socket.socket())
            raise LookupError

    kept: list[socket.socket] = []
    with pytest.raises(LookupError):
        await block()
    kept[0].close()


def test_leaks_are_waited_for_in_simulated_time() -> None:
    async def main() -> None:
        async with LeakCheck(within=100):
            _ = asyncio.create_task(FakeProvider(Pause(50)).complete("?"))  # noqa: RUF006

    run_simulated(main())
