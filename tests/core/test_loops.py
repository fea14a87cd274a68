"""Values of event loops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator
from contextlib import contextmanager

from turnout._loops import LoopLocal


@contextmanager
def loop() -> Generator[asyncio.AbstractEventLoop]:
    new = asyncio.new_event_loop()
    try:
        yield new
    finally:
        new.close()


def test_each_loop_has_a_value_of_its_own() -> None:
    values: LoopLocal[str] = LoopLocal()
    with loop() as one, loop() as two, loop() as three:
        values.set(one, "one")
        values.set(two, "two")

        assert [values.get(at) for at in (two, one, one, two)] == [
            "two",
            "one",
            "one",
            "two",
        ]
        assert values.get(three) is None
        assert set(values) == {one, two}


def test_a_value_is_kept_until_its_loop_is_freed() -> None:
    values: LoopLocal[str] = LoopLocal()
    with loop() as one:
        values.set(one, "one")
    del one
    gc.collect()

    assert len(values) == 0
    with loop() as two:
        assert values.get(two) is None


def test_a_value_that_was_removed_is_not_returned() -> None:
    values: LoopLocal[str] = LoopLocal()
    with loop() as one:
        values.set(one, "one")
        values.discard(one)
        values.discard(one)

        assert values.get(one) is None


def test_closed_loops_are_removed() -> None:
    values: LoopLocal[str] = LoopLocal()
    with loop() as one, loop() as two:
        values.set(one, "one")
        values.set(two, "two")
        one.close()
        values.discard_closed()

        assert list(values) == [two]
        assert values.get(two) == "two"
