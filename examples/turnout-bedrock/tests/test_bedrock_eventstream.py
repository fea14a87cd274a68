"""Bytes to messages, and what is not of the framing."""

import struct

import pytest

from bedrock_frames import frame, frame_raw
from turnout.decoding import OddEventError
from turnout.framing import EventTooLongError, FramingError
from turnout.testing import SLICINGS, SlicingName, slices
from turnout_bedrock._eventstream import MessageSplitter, read_message

# Source: the test vectors of awslabs/aws-c-event-stream, read 2026-11-30.
EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
PAYLOAD = bytes.fromhex("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936")
ONE_HEADER = bytes.fromhex(
    "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f"
    "6a736f6e7b27666f6f273a27626172277d8d9c08b1"
)
VECTORS = [EMPTY, PAYLOAD, ONE_HEADER]


def test_the_vectors_are_read() -> None:
    messages = [
        read_message(data) for data in MessageSplitter(100).feed(b"".join(VECTORS))
    ]

    assert messages == [
        ({}, b""),
        ({}, b"{'foo':'bar'}"),
        ({"content-type": "application/json"}, b"{'foo':'bar'}"),
    ]


def test_the_frames_of_these_tests_are_those_of_the_vectors() -> None:
    headers = {"content-type": "application/json"}

    assert frame({}, b"") == EMPTY
    assert frame(headers, b"{'foo':'bar'}") == ONE_HEADER


@pytest.mark.parametrize("how", SLICINGS)
def test_messages_come_in_any_pieces(how: SlicingName) -> None:
    splitter = MessageSplitter(100)
    data = b"".join(VECTORS) * 3

    found = [m for piece in slices(data, how) for m in splitter.feed(piece)]

    assert found == VECTORS * 3


def test_headers_of_every_type_are_read() -> None:
    values = [
        (b"\x00", True),
        (b"\x01", False),
        (b"\x02\xff", -1),
        (b"\x03\xff\xfe", -2),
        (b"\x04\xff\xff\xff\xfd", -3),
        (b"\x05" + struct.pack("!q", -4), -4),
        (b"\x06\x00\x02\x00\xff", b"\x00\xff"),
        (b"\x07\x00\x02\xc3\xa9", "é"),
        (b"\x08" + struct.pack("!q", 1_700_000_000_000), 1_700_000_000_000),
        (b"\x09" + bytes(range(16)), bytes(range(16))),
    ]
    head = b"".join(b"\x02h%d" % i + raw for i, (raw, _) in enumerate(values))

    headers, payload = read_message(frame_raw(head, b"x"))

    assert headers == {f"h{i}": value for i, (_, value) in enumerate(values)}
    assert payload == b"x"


@pytest.mark.parametrize(
    "head",
    [
        b"\x05ab",
        b"\x01a",
        b"\x01a\x05\x00",
        b"\x01a\x07\x00\x05ab",
        b"\x01a\x07\x00",
        b"\x01\xff\x00",
        b"\x01a\x09ab",
        b"\x01a\x0a",
    ],
)
def test_a_header_that_cannot_be_read_is_an_error(head: bytes) -> None:
    with pytest.raises(OddEventError, match="has a header"):
        read_message(frame_raw(head, b""))


def broken(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("at", range(len(ONE_HEADER)))
def test_each_byte_is_protected(at: int) -> None:
    splitter = MessageSplitter(100)
    words = "a message's lengths is" if at < 12 else "a message is"

    with pytest.raises(FramingError, match=f"the checksum of {words} wrong") as caught:
        splitter.feed(EMPTY + broken(ONE_HEADER, at))

    assert caught.value.events == [EMPTY]


def lengths(total: int, headers: int) -> bytes:
    from zlib import crc32

    packed = struct.pack("!II", total, headers)
    return packed + struct.pack("!I", crc32(packed))


@pytest.mark.parametrize(
    ("total", "headers"), [(0, 0), (15, 0), (16, 1), (300_000, 131_073), (20, 9)]
)
def test_lengths_that_cannot_be_are_an_error(total: int, headers: int) -> None:
    with pytest.raises(FramingError, match=f"a message of {total} bytes has {headers}"):
        MessageSplitter(1_000_000).feed(lengths(total, headers))


def test_a_message_that_is_too_long_is_refused_by_its_length() -> None:
    with pytest.raises(EventTooLongError, match="has 101 bytes; 100 are acc") as caught:
        MessageSplitter(100).feed(EMPTY + lengths(101, 0))

    assert caught.value.events == [EMPTY]
