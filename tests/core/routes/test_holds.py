"""Holds and their stores."""

from __future__ import annotations

import pytest

from turnout.errors import RateLimitError
from turnout.routes import Health, Hold, HoldStore, Route
from turnout.routes._holds import MemoryStore
from turnout.testing import FakeProvider

T = 1000.0


def hold(seconds: float, reason: str = "RateLimitError") -> Hold:
    return Hold(until=T + seconds, reason=reason)


def test_a_hold_lasts_until_its_time() -> None:
    store: HoldStore = MemoryStore()

    store.put("a", hold(2), T)

    assert store.get("a", T + 1.999) == hold(2)
    assert store.get("a", T + 2) is None
    assert store.get("b", T) is None


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        (hold(1, "ServerError"), hold(2)),
        (hold(2, "ServerError"), hold(2)),
        (hold(3, "ServerError"), hold(3, "ServerError")),
    ],
)
def test_a_hold_does_not_shorten_one_that_lasts_longer(
    second: Hold, kept: Hold
) -> None:
    store = MemoryStore()

    store.put("a", hold(2), T)
    store.put("a", second, T)

    assert store.get("a", T) == kept


def test_a_full_store_forgets_the_holds_that_end_first() -> None:
    store = MemoryStore()
    store.put("quota", hold(3600, "QuotaExceededError"), T)
    store.put("passed", hold(1), T)

    for number in range(10_000):
        store.put(f"model {number}", hold(300 + number / 100), T + 2)

    lasting = [n for n in range(10_000) if store.get(f"model {n}", T + 2)]
    assert store.get("quota", T + 2) == hold(3600, "QuotaExceededError")
    assert lasting == list(range(lasting[0], 10_000))
    assert 3500 < len(lasting) < 4096


def test_replacing_a_hold_removes_no_other() -> None:
    store = MemoryStore()

    for number in range(4096):
        store.put(f"model {number}", hold(300), T)
    store.put("model 0", hold(301), T)

    assert all(store.get(f"model {number}", T) for number in range(4096))


async def test_a_store_that_fails_does_not_fail_the_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def get(self, key: str, now: float) -> Hold | None:
            raise OSError(f"cannot reach the host of {key}")

        def put(self, key: str, hold: Hold, now: float) -> None:
            raise OSError(f"cannot reach the host of {key}")

    first = FakeProvider(RateLimitError("no", retry_after=60), name="A")
    targets = [first.target(), FakeProvider("b", name="B").target()]
    reply = await Route(targets, health=Health(store=Broken())).complete("?")

    assert reply.text == "b"
    assert "the hold store failed" in caplog.text
