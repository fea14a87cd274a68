"""Markdown on a terminal, as a screen shows it."""

from __future__ import annotations

import asyncio
import io
import random
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

import pytest
from markdown_it.token import Token
from typing_extensions import override

from turnout.cli import _markdown
from turnout.cli._markdown import MarkdownPane
from turnout.cli._views import TextView

from .conftest import CommandLine
from .screen import shown

ANSWER = """\
# A title

A paragraph with **bold text**, *italics*, `code`, ~~old~~ and a
[link](https://example.org/x), too long for the end of the line.
A second line of it.

Setext
------
- one
- two **strong**
  - nested
- three

1. first

   ```python
   def f():
       return 1
   ```
2. second

```python
def hello(name: str) -> None:
    print(f"hello {name}")


hello("x")
```

| a | b |
|---|--:|
| 1 | 2 |
| long cell | 3 |

> A quote
> of two lines.

***

    indented

Numbers: 1, 2, 3.

10

The end."""


class Screen(io.StringIO):
    """A terminal's side of standard output."""

    @override
    def isatty(self) -> bool:
        return True

    def rows(self, columns: int = 80, lines: int = 24) -> list[str]:
        return shown(self.getvalue().replace("\n", "\r\n").encode(), columns, lines)


@contextmanager
def terminal(columns: int = 80, lines: int = 24) -> Generator[Screen]:
    """Stand for the terminal; each text is shown at once."""
    screen = Screen()
    with pytest.MonkeyPatch.context() as patch:
        # Not in a fixture: pytest puts its own streams in place for the test.
        patch.setattr(sys, "stdout", screen)
        patch.setattr(sys, "stderr", screen)
        patch.setattr(_markdown, "_SOONEST", 0.0)
        patch.setattr(_markdown, "_SHARE", 0.0)
        patch.setenv("TERM", "xterm")
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", str(lines))
        yield screen


def write(pieces: Iterable[str], columns: int = 80, lines: int = 24) -> list[str]:
    """Return what is shown after an answer in pieces."""

    async def run() -> None:
        pane = MarkdownPane()
        for piece in pieces:
            pane.add(piece)
        pane.end()

    with terminal(columns, lines) as screen:
        asyncio.run(run())
    return screen.rows(columns, lines)


def pieces_of(answer: str, length: int) -> list[str]:
    return [answer[i : i + length] for i in range(0, len(answer), length)]


def test_an_answer_is_rendered() -> None:
    assert write([ANSWER]) == [
        "A title",
        "",
        "A paragraph with bold text, italics, code, old and a",
        "link (https://example.org/x), too long for the end of the line.",
        "A second line of it.",
        "",
        "Setext",
        "",
        " • one",
        " • two strong",
        "    • nested",
        " • three",
        "",
        " 1 first",
        "   def f():",
        "       return 1",
        " 2 second",
        "",
        "def hello(name: str) -> None:",
        '    print(f"hello {name}")',
        "",
        "",
        'hello("x")',
        "",
        " a          b",
        " ────────────",
        " 1          2",
        " long cell  3",
        "",
        "▌ A quote",
        "▌ of two lines.",
        "",
        "-" * 79,
        "",
        "indented",
        "",
        "Numbers: 1, 2, 3.",
        "",
        "10",
        "",
        "The end.",
    ]


@pytest.mark.parametrize("size", [(80, 24), (30, 100), (12, 60)])
@pytest.mark.parametrize("length", [1, 3, 40])
def test_in_pieces_it_looks_as_in_one(size: tuple[int, int], length: int) -> None:
    whole = write([ANSWER], *size)
    pieces = pieces_of(ANSWER, length)

    assert write(pieces, *size) == whole


def test_rows_that_have_left_the_screen_are_not_written_again() -> None:
    item = "- item number {} with **bold** words\n"
    answer = "".join(item.format(i) for i in range(60))
    pieces = pieces_of(answer, 2)

    rows = write(pieces, 30, 5)

    assert rows == write([answer], 30, 5)


def test_text_that_only_grows_is_only_appended() -> None:
    async def run() -> None:
        pane = MarkdownPane()
        for word in ("One ", "two ", "three.\n", "Four."):
            pane.add(word)

    with terminal() as screen:
        asyncio.run(run())

    assert screen.getvalue() == "One two three.\nFour."


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        pytest.param("a <b>c</b> Vec<T>", ["a <b>c</b> Vec<T>"], id="tags"),
        pytest.param("<div>\nx\n</div>", ["<div>", "x", "</div>"], id="blocks of tags"),
        pytest.param("[1] x\n\n[1]: u", ["[1] x", "", "[1]: u"], id="references"),
        pytest.param("![a](u)", ["!a (u)"], id="images"),
        pytest.param("<https://a.b>", ["https://a.b"], id="addresses"),
        pytest.param("[**b** c](u) [](v)", ["b c (u)  (v)"], id="styles in links"),
        pytest.param("[red]x[/red] :eye:", ["[red]x[/red] :eye:"], id="Rich's"),
        pytest.param("a\\\nb  \nc", ["a", "b", "c"], id="breaks"),
        pytest.param("```\n```", [], id="no code"),
        pytest.param("```\n\nx\n\n```", ["", "x"], id="blank lines in code"),
        pytest.param("```nonsense\n x\n```", [" x"], id="unknown language"),
        pytest.param("~~~\nx", ["x"], id="code that is not closed"),
        pytest.param("`\x1b[2J` \x9b5m\x07", ["[2J 5m"], id="escapes"),
        pytest.param("&#27;[2Ja &#x202e;b &#x9b;5m", ["�[2Ja b �5m"], id="entities"),
        pytest.param("```\n\x1b]0;t\x07x\n```", ["]0;tx"], id="escapes in code"),
        pytest.param("[a](<\x1b]8;;u\x07>)", ["a (%5D8;;u)"], id="escapes in links"),
        pytest.param("a\u2028b\rc", ["abc"], id="line separators"),
        pytest.param("| a |\n|---|\n| \x1b[2J |", None, id="escapes in tables"),
        pytest.param("東京 " * 6, ["東京 東京 東京 東京", "東京 東京"], id="wide"),
    ],
)
def test_nothing_is_lost_and_nothing_obeyed(
    answer: str, rows: list[str] | None
) -> None:
    seen = write(answer, 20)

    if rows is None:
        assert any("[2J" in row for row in seen)
    else:
        assert seen == rows


def test_a_line_that_could_be_anything_is_held_back() -> None:
    async def run() -> None:
        pane = MarkdownPane()
        pane.add("Title\n-")
        assert screen.getvalue() == "Title"
        pane.add(" item")
        pane.end()

    with terminal() as screen:
        asyncio.run(run())

    assert screen.getvalue() == "Title\n\n\x1b[1m • \x1b[0mitem\n"


def test_what_comes_quickly_is_shown_together() -> None:

    async def run() -> None:
        pane = MarkdownPane()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_markdown, "_SOONEST", 0.5)
            for letter in "abc":
                pane.add(letter)
            assert screen.getvalue() == "a"
            async with asyncio.timeout(30):
                while screen.getvalue() != "abc":  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            pane.add("d")
        pane.stop()

    with terminal() as screen:
        asyncio.run(run())

    assert screen.getvalue() == "abc"


def test_after_a_resize_only_the_last_row_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        pane = MarkdownPane()
        monkeypatch.setenv("COLUMNS", "20")
        pane.add("one **two** three four **fi")
        monkeypatch.setenv("COLUMNS", "12")
        pane.add("ve**\n\nNext one is here.")
        pane.end()

    with terminal() as screen:
        asyncio.run(run())

    assert screen.getvalue() == (
        "one \x1b[1mtwo\x1b[0m three four\n**fi\r\x1b[1mfive\x1b[0m\x1b[K\x1b[J\n\n"
        "Next one is\nhere.\n"
    )


def test_a_note_stands_above_the_block() -> None:
    async def run() -> None:
        view = TextView(MarkdownPane())
        view.note("first")
        view.show("One.\n\nTwo **thr")
        view.note("second")
        view.show("ee**.")
        view.stop()

    with terminal() as screen:
        asyncio.run(run())

    assert screen.rows() == ["first", "One.", "", "second", "Two three."]


def test_random_markdown_in_pieces_looks_as_in_one() -> None:
    chance = random.Random(7)
    parts = ["a", "word ", "\n", "\n\n", "- ", "1. ", "**", "`", "```\n", "    ", "> "]
    parts += ["| a | b |\n", "|---|---|\n", "# ", "---\n", "_x_ ", "[l](u) ", "\n  "]
    for _ in range(60):
        answer = "".join(chance.choices(parts, k=chance.randrange(1, 40)))
        pieces = pieces_of(answer, 4)

        assert write(pieces, 40, 200) == write([answer], 40, 200), answer


def characters_rendered(answer: str, length: int) -> int:
    """Return how many characters are rendered for an answer in pieces."""
    count = 0
    rendered = vars(MarkdownPane)["_rendered"]

    def counted(pane: MarkdownPane, block: Sequence[Token]) -> list[str]:
        nonlocal count
        count += sum(len(token.content) for token in block)
        rows: list[str] = rendered(pane, block)
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MarkdownPane, "_rendered", counted)
        write(pieces_of(answer, length), 40, 10)
    return count


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Some **bold words** and `code`, then more. ", id="words"),
        pytest.param("東京都は日本の首都である。大阪は西にある", id="no spaces"),
        pytest.param("A line with a break.\n", id="lines"),
        pytest.param(
            "An asterisk *that opens nothing. ", id="an opener without an end"
        ),
    ],
)
def test_the_work_for_a_paragraph_grows_with_its_length(sentence: str) -> None:
    short = sentence * (10_000 // len(sentence))
    long = sentence * (40_000 // len(sentence))

    # As the square of the length it would be 16 times as much.
    assert characters_rendered(long, 500) < 6 * characters_rendered(short, 500)


LONG = {
    "words": "Some **bold words**, *italics*, `code` and [a link](u) in it. " * 200,
    "no spaces": "東京都は日本の首都である。大阪は西にある。" * 500,
    "one long word": "abcdefghij" * 1000,
    "lines": "A line of some words with a **break**.\n" * 250,
    "brackets": "Of 2 * 3 and snake_case, [brackets, and more. " * 200,
    "a heading": "word " * 2500 + "end\n===\n\nNext",
    "other blocks": "word " * 2500 + "\n\n- one\n- two\n\n" + "more " * 2500,
    "a space at the end of a line": "words with  \n\\\nbreaks " * 500,
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_paragraph_in_pieces_looks_as_in_one(name: str) -> None:
    answer = LONG[name]

    assert write(pieces_of(answer, 97), 40, 10) == write([answer], 40, 10)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("a **" + "word " * 2000 + "end** b", id="a style"),
        pytest.param("a `" + "word " * 2000 + "end` b", id="code"),
        pytest.param("word " * 2000 + "| end\n|---|---|\n| 1 | 2 |", id="a table"),
    ],
)
def test_a_style_longer_than_the_screen_loses_no_words(answer: str) -> None:
    rows = write(pieces_of(answer, 97), 40, 10)

    words = " ".join(rows)
    assert "\U00100000" not in words  # The mark for text that is final.
    assert words.count("end") == 1
    # Rows above a table that is wider than the screen are shown twice.
    assert words.count("word") >= 2000
    assert words.count("word") == 2000 or "|" in answer


def test_a_paragraph_is_not_cut_in_a_style_that_ends_on_the_screen() -> None:
    answer = "[ab " * 2500 + "**" + "word " * 500 + "end**"

    assert write([answer, " b"], 40, 10) == write([answer + " b"], 40, 10)


@pytest.mark.parametrize("arguments", [["--raw"], ["--no-markdown"]])
def test_it_is_not_rendered_if_that_is_asked(
    turnout: CommandLine, arguments: list[str]
) -> None:
    (turnout.folder / "answer.md").write_text("**a**\n\n- b")

    with turnout.terminal("chat", "-m", "Writer", *arguments, "Hi") as done:
        assert done.end() == 0

    assert done.screen == "**a**\n\n- b\n"


def test_a_terminal_shows_it(turnout: CommandLine) -> None:
    (turnout.folder / "answer.md").write_text(ANSWER)

    with turnout.terminal("chat", "-m", "Writer", "Hi", columns=40, lines=10) as done:
        assert done.end() == 0

    rows = shown(done.sent, 40, 10)
    assert rows[0] == "A title"
    assert rows[-1] == "The end."
    assert rows.count("def hello(name: str) -> None:") == 1


def test_it_goes_into_a_pipe_as_it_is(inside: CommandLine) -> None:
    (inside.folder / "answer.md").write_text("**a**\n\n- b")

    assert inside("chat", "-m", "Writer", "Hi").stdout == "**a**\n\n- b\n"


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_without_escapes_is_sent_none(
    turnout: CommandLine, term: str
) -> None:
    turnout.environment["TERM"] = term

    with turnout.terminal("chat", "-m", "Down", "-m", "Thinker") as done:
        done.expect("> ")
        done.type("Hi **you**\n")
        done.expect("It is so.\n> ")
        done.type("/help\n")
        done.expect("\n> ")
        done.type("/exit\n")
        assert done.end() == 0

    assert b"\x1b" not in done.sent
    assert b"\rwaiting" not in done.sent


def test_without_rich_the_text_is_plain(turnout: CommandLine) -> None:
    (turnout.folder / "answer.md").write_text("**a**\n\n- b")
    (turnout.folder / "site" / "rich.py").write_text("raise ImportError")

    with turnout.terminal("chat", "-m", "Writer", "Hi") as done:
        assert done.end() == 0

    assert done.screen == "**a**\n\n- b\n"
