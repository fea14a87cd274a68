"""The health of all targets of a process: which targets share one, and its reports."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from turnout.errors import AuthenticationError, RateLimitError, ServerError
from turnout.provider import BoundTarget
from turnout.routes import Health, HealthReport, Hold, HoldStore, Policy
from turnout.routes._candidate import RouteTarget
from turnout.routes._health import Scope, fingerprint
from turnout.routes._holds import MemoryStore
from turnout.routes._policy import rule
from turnout.routes._target_health import TargetHealth
from turnout.testing import FakeProvider
from turnout.types import Secret, Target

from ..scripted import Lines, saying

T = 1000.0
SCOPE = Scope(
    provider="Hello",
    address="https://hello.test",
    credential="0123456789abcdef",
    model="hello-1",
)
HELLO = Target("Hello", "hello-1")


def registry(store: HoldStore | None = None) -> Health:
    return Health(store, lambda: 0.5)


def fail(health: TargetHealth, now: float = T, times: int = 5) -> None:
    error = ServerError("no")
    for _ in range(times):
        permit = health.start(now)
        permit.failed(error, rule(error, Policy()), now)


def lines(base_url: str, key: str | None = None, model: str = "m") -> BoundTarget:
    info = replace(Lines.info, models=("m", "n"))
    return Lines(info=info, base_url=base_url, api_key=key).target(model)


# Targets that share a health.


def test_a_scope_has_one_health() -> None:
    health = registry()

    first = health.of(SCOPE, HELLO, T)
    same = health.of(Scope(*SCOPE), HELLO, T)
    other = health.of(SCOPE._replace(model="hello-2"), HELLO, T)

    assert same is first
    assert other is not first
    assert health.known() == [first, other]


def test_two_instances_with_the_same_address_key_and_model_share_their_health() -> None:
    health = registry()
    one, two = lines("http://127.0.0.1:1", "k"), lines("http://127.0.0.1:1", "k")
    two.provider.info = replace(two.provider.info, name="Another")

    first = RouteTarget(one, health).health(T)
    second = RouteTarget(two, health).health(T)

    assert first is second


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lines("http://127.0.0.1:2", "k"), id="address"),
        pytest.param(lines("http://127.0.0.1:1", "l"), id="key"),
        pytest.param(lines("http://127.0.0.1:1"), id="no key"),
        pytest.param(lines("http://127.0.0.1:1", "k", "n"), id="model"),
    ],
)
def test_another_address_key_or_model_has_another_health(other: BoundTarget) -> None:
    health = registry()
    one = RouteTarget(lines("http://127.0.0.1:1", "k"), health)

    assert RouteTarget(other, health).health(T) is not one.health(T)


def test_another_provider_at_the_same_address_has_another_health() -> None:
    class Others(Lines):
        """Speaks another protocol."""

    health, address = registry(), "http://127.0.0.1:1"
    one = Lines(base_url=address).target("m")
    two = Others(base_url=address).target("m")

    first, second = (RouteTarget(target, health).health(T) for target in (one, two))

    assert first is not second


def test_providers_without_an_address_are_distinguished_by_name() -> None:
    health = registry()

    targets = [saying("a", name=name).target() for name in ("A", "A", "B")]
    first, same, other = (RouteTarget(one, health).health(T) for one in targets)

    assert first is same
    assert other is not first


def test_each_fake_has_health_of_its_own() -> None:
    health = registry()

    targets = [FakeProvider("a").target() for _ in range(2)]
    first, other = (RouteTarget(one, health).health(T) for one in targets)

    assert first is not other
    assert first is RouteTarget(targets[0], health).health(T)


def test_a_reset_does_not_clear_a_shared_store() -> None:
    class Shared:
        """Stands for a store that other processes use too; it cannot be cleared."""

        def __init__(self) -> None:
            self._holds = MemoryStore()

        def get(self, key: str, now: float) -> Hold | None:
            return self._holds.get(key, now)

        def put(self, key: str, hold: Hold, now: float) -> None:
            self._holds.put(key, hold, now)

    store = Shared()
    for kept, health in (False, registry()), (True, registry(store)):
        refused = health.of(SCOPE, HELLO, T).start(T)
        error = AuthenticationError("no", status_code=401)
        refused.failed(error, rule(error, Policy()), T)
        assert health.of(SCOPE, HELLO, T).held(T) is not None

        health.reset()

        assert health.known() == []
        assert (health.of(SCOPE, HELLO, T).held(T) is not None) is kept


def test_a_new_key_has_a_health_of_its_own() -> None:
    class Keyed(FakeProvider):
        """Reads its key again for each request."""

        key: Secret | None = Secret("old")

        @property
        def api_key(self) -> Secret | None:
            return self.key

    health, provider = registry(), Keyed("a", name="P")
    target = RouteTarget(provider.target(), health)

    old = target.health(T)
    provider.key = Secret("old")
    same = target.health(T)
    provider.key = Secret("new")
    new = target.health(T)
    provider.key = None
    without = target.health(T)

    assert same is old
    assert len({id(one) for one in (old, new, without)}) == 3


# The number of known targets.


def scope(number: int) -> Scope:
    return Scope(provider="Hello", model=f"m{number}")


def test_the_targets_that_were_not_used_for_the_longest_time_are_forgotten() -> None:
    health = registry()

    for number in range(4096):
        health.of(scope(number), HELLO, T + number)
    health.of(scope(0), HELLO, T + 4096)
    full = len(health.known())
    health.of(scope(4096), HELLO, T + 4097)

    # An eighth of them at once, so that not every new target sorts all.
    known = {one.scope for one in health.known()}
    assert full == 4096
    assert {scope(n) for n in range(4097)} - known == {scope(n) for n in range(1, 513)}


def test_threads_that_look_up_a_new_scope_at_once_get_one_health() -> None:
    health = registry()
    together = threading.Barrier(8)
    found: list[TargetHealth] = []

    def look_up() -> None:
        together.wait()
        found.extend(health.of(scope(number), HELLO, T) for number in range(200))

    threads = [threading.Thread(target=look_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(one) for one in found}) == 200
    assert len(health.known()) == 200


# Reports.


def test_a_report_of_a_target_that_is_up() -> None:
    health = registry()

    permit = health.of(SCOPE, HELLO, T).start(T)
    permit.first_delta(T + 0.5)
    permit.completed()

    assert health.reports(T) == [
        HealthReport(
            target="Hello:hello-1",
            address="https://hello.test",
            key="0123",
            state="up",
            wait=0.0,
            reason="",
            first_delta_p95=0.5,
            retries_left=10.0,
        )
    ]


@pytest.mark.parametrize(("now", "wait"), [(T + 1, 4.0), (T + 5, 0.0), (T + 9, 0.0)])
def test_a_report_of_a_target_that_is_down(now: float, wait: float) -> None:
    health = registry()

    fail(health.of(SCOPE, HELLO, T))
    (report,) = health.reports(now)

    assert (report.state, report.wait) == ("down", wait)
    assert report.reason == "its last 5 attempts failed"


def test_a_report_of_a_target_that_is_held() -> None:
    health = registry()
    target = health.of(SCOPE._replace(credential=""), HELLO, T)

    fail(target)
    target.hold(Hold(until=T + 8, reason="RateLimitError"), T)
    (report,) = health.reports(T + 1)

    assert (report.state, report.wait, report.reason) == ("held", 7.0, "RateLimitError")
    assert report.key == ""


def test_reports_are_sorted_by_name() -> None:
    health = registry()

    for name in "BCA":
        health.of(Scope(provider=name), Target(name, "m"), T)

    assert [report.target for report in health.reports(T)] == ["A:m", "B:m", "C:m"]


# Stores of holds.


class Shared:
    """A store that a user writes, for several processes."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}

    def get(self, key: str, now: float) -> Hold | None:
        hold = self.holds.get(key)
        return hold if hold is not None and hold.until > now else None

    def put(self, key: str, hold: Hold, now: float) -> None:
        self.holds[key] = hold


def test_two_healths_with_one_store_share_only_holds() -> None:
    store = Shared()
    one, two = (registry(store).of(SCOPE, HELLO, T) for _ in range(2))
    error = RateLimitError("no", retry_after=5.0)

    fail(one, times=4)
    one.start(T).failed(error, rule(error, Policy()), T)
    hold = two.held(T)

    assert hold == Hold(until=T + 5, reason="RateLimitError", message="no")
    assert not two.is_down(T)
    assert list(store.holds) == ["Hello\nhttps://hello.test\n0123456789abcdef\nhello-1"]


# Keys.


def test_a_fingerprint_distinguishes_keys_and_shows_none() -> None:
    one = fingerprint(Secret("sk-one"))

    assert one == fingerprint(Secret("sk-one"))
    assert one != fingerprint(Secret("sk-two"))
    assert len(one) == 16
    assert int(one, 16) >= 0
    assert len(fingerprint(Secret("clé\udcff"))) == 16


@pytest.mark.parametrize("key", [None, Secret("")])
def test_no_key_has_no_fingerprint(key: Secret | None) -> None:
    assert fingerprint(key) == ""
