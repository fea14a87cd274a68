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
        pytest.param("a\u2028b\u2029c\x85d", "abcd", id="separators of lines"),
        pytest.param("\u200b\u2060\ufeff\u00ad\u180ea", "a", id="without a width"),
        pytest.param("a\u2062\u206a\ufff9b\ufffb", "ab", id="marks for programs"),
        pytest.param("\U0001d173\U0001bca0a", "a", id="marks of other writings"),
        pytest.param("a\U000e0041\U000e007f\U000e0001", "a", id="tags"),
        pytest.param(
            "\U0001f3f4\U000e0041\U000e0042b", "\U0001f3f4b", id="tags after a flag"
        ),
        pytest.param(
            "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f!",
            "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f!",
            id="the flag of Wales",
        ),
        pytest.param("\u200f\u200e\u061c", "\u200f\u200e\u061c", id="Hebrew's marks"),
        pytest.param(
            "\u0645\u06cc\u200c\u062e \u0915\u094d\u200d",
            "\u0645\u06cc\u200c\u062e \u0915\u094d\u200d",
            id="joiners of Persian and Hindi",
        ),
        pytest.param(
            "\U0001f469\u200d\U0001f4bb \u2764\ufe0f 1\ufe0f\u20e3",
            "\U0001f469\u200d\U0001f4bb \u2764\ufe0f 1\ufe0f\u20e3",
            id="emoji of several characters",
        ),
        pytest.param("e\u0301 a\u0308", "e\u0301 a\u0308", id="combining characters"),
        pytest.param("\u845b\U000e0100", "\u845b\U000e0100", id="a form of a Kanji"),
        pytest.param("\x1b[31mred\x1b[0m", "[31mred[0m", id="colours"),
        pytest.param("\x9b2J\x9d0;t\x9c", "2J0;t", id="the same in one character"),
        pytest.param("a\u00a0b", "a\u00a0b", id="no-break space"),
    ],
)
def test_a_terminal_is_not_sent_what_it_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_is_one_line() -> None:
    assert one_line(" a\nb\r\n\x1b c ") == "a b  c"
