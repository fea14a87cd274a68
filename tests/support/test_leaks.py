from __future__ import annotations

import asyncio
import socket
import warnings

import pytest

from .leaks import run_clean


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
