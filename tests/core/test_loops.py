"""Values of event loops, and imports in a thread."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from turnout._loops import LoopLocal, import_in_thread


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


@pytest.mark.parametrize(("library", "same_thread"), [(None, False), ("gevent", True)])
async def test_a_module_is_imported_in_a_thread_unless_its_locks_are_greenlets(
    library: str | None,
    same_thread: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"imported_{library}"
    source = "import threading\nthread = threading.get_ident()\n"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr("turnout._loops.green_library", lambda: library)

    await import_in_thread(name)

    thread = sys.modules.pop(name).thread
    assert (thread == threading.get_ident()) is same_thread
