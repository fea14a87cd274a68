"""A secret is never seen."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest

from turnout.types import Secret

VALUE = "sk-canary-0123456789"

SECRET = Secret(VALUE)


@dataclass
class Holder:
    key: Secret


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(repr(SECRET), id="repr"),
        pytest.param(str(SECRET), id="str"),
        pytest.param(f"{SECRET}", id="f-string"),
        pytest.param(f"{SECRET!r:>40}", id="f-string of the repr"),
        pytest.param(f"{SECRET:>40}", id="f-string with a format"),
        pytest.param("%s %r" % (SECRET, SECRET), id="percent"),  # noqa: UP031
        pytest.param("{} {!s}".format(*[SECRET] * 2), id="format"),
        pytest.param(ascii(SECRET), id="ascii"),
        pytest.param(repr([SECRET, {SECRET: SECRET}]), id="in containers"),
        pytest.param(repr(Holder(SECRET)), id="in a dataclass"),
        pytest.param(repr(SECRET.prefixed("Bearer ")), id="prefixed"),
        pytest.param(repr(vars(Holder(SECRET))), id="vars"),
    ],
)
def test_a_secret_is_not_seen(shown: str) -> None:
    assert VALUE not in shown
    assert "***" in shown


def test_a_secret_is_not_seen_in_a_traceback_with_locals() -> None:
    def fail(key: Secret) -> None:
        holder = Holder(key)
        raise RuntimeError(f"with {holder} and {key}")

    with pytest.raises(RuntimeError) as caught:
        fail(SECRET.prefixed("Bearer "))
    told = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    shown = "".join(told.format())

    assert "holder = " in shown
    assert VALUE not in shown


def test_a_secret_is_not_seen_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("turnout").warning("the key %s of %r", SECRET, Holder(SECRET))

    assert VALUE not in caplog.text
    assert "***" in caplog.text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Holder(SECRET), protocol)


def test_a_secret_is_revealed_on_request() -> None:
    assert SECRET.reveal() == VALUE


def test_a_prefix_goes_before_the_value() -> None:
    assert SECRET.prefixed("Bearer ").reveal() == f"Bearer {VALUE}"


def test_a_secret_is_copied_as_itself() -> None:
    assert copy.copy(SECRET) is SECRET
    assert copy.deepcopy(Holder(SECRET)).key is SECRET


def test_secrets_are_equal_by_their_values() -> None:
    other = Secret(VALUE)

    assert SECRET == other
    assert hash(SECRET) == hash(other)
    assert Secret("other") != SECRET


def test_a_secret_is_not_equal_to_its_value() -> None:
    assert SECRET != VALUE
    assert hash(SECRET) != hash(VALUE)


def test_an_empty_secret_is_false() -> None:
    assert SECRET
    assert not Secret("")


def test_a_secret_takes_no_further_attributes() -> None:
    with pytest.raises(AttributeError):
        SECRET.note = "x"  # type: ignore[attr-defined]
