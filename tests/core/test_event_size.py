"""The maximum size of an event."""

from __future__ import annotations

import pytest

from turnout._event_size import EventSize

MOST = 1000
PNG = b'{"result": "iVBORw0K'


def is_too_long(*pieces: bytes, most: int = MOST) -> bool:
    size = EventSize(most)
    came: list[bytes] = []
    for piece in pieces:
        came.append(piece)
        if size.is_too_long(sum(map(len, came)), came):
            return True
    return False


@pytest.mark.parametrize(
    "beginning",
    [
        PNG,
        b'{"url": "data:image/png;base64,',
        b'{"inlineData": {"mimeType": "audio/L16", "data": "',
        b'{"inline_data": {"data": "',
    ],
)
def test_an_event_with_media_may_be_sixteen_times_as_long(beginning: bytes) -> None:
    assert not is_too_long(beginning + b"A" * 10 * MOST)
    assert is_too_long(beginning + b"A" * 17 * MOST)


@pytest.mark.parametrize("cut", [1, 100, 999, 5000])
def test_pieces_weigh_as_much_as_the_whole(cut: int) -> None:
    whole = PNG + b"A" * 10 * MOST
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    assert not is_too_long(*pieces)
    assert is_too_long(*pieces, b'",' * MOST)


def test_an_event_without_media_may_have_as_many_bytes_as_the_limit() -> None:
    assert not is_too_long(b"A" * MOST)
    assert is_too_long(b"A" * (MOST + 1))


def test_values_beside_media_weigh_their_length() -> None:
    assert is_too_long(PNG + b'","a":1' * MOST)


def test_each_event_is_measured_alone() -> None:
    size = EventSize(MOST)
    assert not size.is_too_long(15 * MOST, [PNG + b"A" * 15 * MOST])
    size.begin()
    assert not size.is_too_long(15 * MOST, [PNG + b"A" * 15 * MOST])
    size.begin()
    assert size.is_too_long(2 * MOST, [b"A" * 2 * MOST])
