from __future__ import annotations

import pytest

from turnout.cli._output import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\n\tb é 東 \U0001f5fc", "a\n\tb é 東 \U0001f5fc", id="plain"),
        pytest.param("\x1b]0;title\x07x", "]0;titlex", id="escape"),
        pytest.param("done\r\nnext\rover", "done\nnextover", id="carriage return"),
        pytest.param("\x00\x08\x7f\x80\x9b\x9f.", ".", id="C0, DEL and C1"),
        pytest.param("a\u202e\u2066b\u2069\u202c", "ab", id="bidi"),
        pytest.param("\u200f\u061c", "\u200f\u061c", id="marks that Hebrew has"),
        pytest.param("a\u00a0b", "a\u00a0b", id="no-break space"),
    ],
)
def test_a_terminal_is_not_sent_what_it_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_is_one_line() -> None:
    assert one_line(" a\nb\r\n\x1b c ") == "a b  c"
