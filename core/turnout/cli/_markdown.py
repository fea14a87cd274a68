"""Markdown on a terminal, rendered while it comes.

An answer is rendered block by block: paragraphs, lists, code blocks, tables. A block
is final once another follows it; then it is never written again, so a long answer
does not repeat. The last block is rendered again as it grows. Only its rows that
changed are written, and a row that grew at its end only gets what is new, so nothing
flickers. Rows that have left the screen stay as they are. Of a long paragraph only the
last screenful is rendered again: the time for it grows with its length, not with the
square of it.

Rich has the terminal wrap nothing: each row is one column shorter than the screen.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments.lexers import get_all_lexers
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.syntax import Syntax
from rich.theme import Theme

from turnout.cli._output import printable, write_escaped

__all__ = ["MarkdownPane"]

_SOONEST = 0.03
"""Seconds between two renderings at least."""

_SHARE = 4.0
"""Rendering takes at most one part of so many of the time."""

_NARROWEST = 8
"""Columns that a row may have at least."""

_MORE = 4096
"""Characters of a paragraph beyond a screenful, before its beginning is final."""

_TRIES = 4
"""Places that are tried for the end of a paragraph's beginning."""

_MARK = "\U00100000"
"""A private character, one column wide. It stands for text that is final."""

_GAP = re.compile(r"(?<=[^\s\\])[ \n](?=\S)")

_OPENER = re.compile(r"\*++(?!\s)|(?<!\w)_++(?!\s)|`|~~|\[")
"""What may begin a style or a link that ends later."""

_UNSURE = re.compile(r"[ \t]*+\d{1,3}[.)]?|[-=*+#`~|:>_ \t]*+")
"""A last line whose meaning depends on what follows: `-` may begin an item or a rule,
or make a heading of the line above."""

_THEME = Theme({"markdown.code": "bold cyan"})

_SPACE = re.compile(r"\s")

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class MarkdownPane:
    """Show one answer after another, each as rendered Markdown."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, theme=_THEME)
        # Without the rule `reference` the addresses at the end of an answer are text,
        # as are tags without `html`: Rich would drop both. An image is a link.
        self._parser = MarkdownIt("commonmark", {"html": False})
        self._parser.enable(["strikethrough", "table"]).disable(["reference", "image"])
        self._timer: asyncio.TimerHandle | None = None
        self._soonest = 0.0
        self._reset()

    def _reset(self) -> None:
        self._stop_timer()
        self._source = ""
        """What is not final yet."""
        self._rows: list[str] = []
        """The last block as it is on the screen; the cursor is at its end."""
        self._carried = ""
        """The row that the marks at the beginning of the source stand for."""
        self._size = (0, 0)
        self._resized = False
        self.in_line = False

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, text: str) -> None:
        """Show a text that continues the answer, soon. An event loop has to run."""
        self._source += printable(text)
        if self._timer is None:
            wait = self._soonest - time.monotonic()
            if wait <= 0:
                self._render()
            else:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(wait, self._render)

    def end(self) -> None:
        """Show the rest of the answer, and end the line."""
        self._render(whole=True)
        if self.in_line:
            write_escaped("\n")
        self._reset()

    def stop(self) -> None:
        """Leave the answer as it is shown, with the cursor in its last line."""
        self._reset()

    def make_room(self) -> list[str]:
        """Take away the rows that can be, for a line above them.

        Returns:
            The rows, for `put_back`.
        """
        self._render()
        rows = self._rows[-self._height() :]
        if rows:
            write_escaped(f"{_up(len(rows) - 1)}\r\x1b[J")
        return rows

    def put_back(self, rows: Sequence[str]) -> None:
        """Show again the rows that `make_room` took away."""
        write_escaped("\n".join(rows))

    def _render(self, *, whole: bool = False) -> None:
        self._stop_timer()
        began = time.monotonic()
        source = self._source if whole else _sure(self._source)
        blocks = list(_blocks(self._parser.parse(source)))
        for block in blocks[:-1]:
            self._show(block)
            self._rows, self._carried = [], ""
        if blocks:
            self._show(blocks[-1])
            start = (blocks[-1][0].map or [0])[0]
            self._source = "".join(self._source.splitlines(keepends=True)[start:])
            if blocks[-1][0].type == "paragraph_open":
                self._shorten()
        ended = time.monotonic()
        self._soonest = ended + max(_SOONEST, _SHARE * (ended - began))

    def _show(self, block: Sequence[Token]) -> None:
        size = shutil.get_terminal_size()
        if not self._rows:
            self._size, self._resized = size, False
        elif size != self._size:
            # The terminal has wrapped the rows otherwise: only the last is known.
            self._resized = True
        rows = self._rendered(block)
        write_escaped(self._changes(rows))
        self._rows, self.in_line = rows, True

    def _changes(self, rows: Sequence[str]) -> str:
        """Return what makes the rows on the screen these."""
        old = self._rows
        if not old:
            return ("\n\n" if self.in_line else "") + "\n".join(rows)
        last = len(old) - 1
        changed = (i for i, (a, b) in enumerate(zip(old, rows, strict=False)) if a != b)
        first = next(changed, min(len(old), len(rows)))
        if first > last:
            return "".join(f"\n{row}" for row in rows[first:])
        lowest = last if self._resized else len(old) - self._height()
        first = min(max(first, lowest, 0), len(rows) - 1)
        if first == last and rows[first].startswith(old[first]):
            return "\n".join([rows[first][len(old[first]) :], *rows[first + 1 :]])
        shown = "\n".join(f"{row}\x1b[K" for row in rows[first:])
        return f"{_up(last - first)}\r{shown}\x1b[J"

    def _shorten(self) -> None:
        """Make the beginning of a long paragraph final, all but a screenful."""
        source = self._source
        kept = self._width() * self._height()
        end = len(source) - kept
        if end < _MORE:
            return
        first = 0
        for _ in range(_TRIES):
            cut = _last_gap(source, end, self._width())
            first = first or cut
            (inline,) = self._parser.parseInline(source[:cut])
            texts = (one.content for one in inline.children or () if one.type == "text")
            if not any(map(_OPENER.search, texts)):
                break
            # A style or link may end after the cut.
            end = max(source.rfind(one, 0, cut) for one in "*_`~[")
        else:
            # Almost all styles end sooner.
            cut = first if len(source) - kept >= 2 * _MORE else 0
        if cut:
            self._finish_beginning(cut)

    def _finish_beginning(self, cut: int) -> None:
        """Keep the source from `cut` on, and marks for the row that it continues."""
        rows = self._rendered(next(_blocks(self._parser.parse(self._source[:cut]))))
        last = len(rows) - 1
        carried, shown = _plain(rows[last]), self._rows[: last + 1]
        # Else the rest changes the rows before it.
        if shown[:last] == rows[:last] and _plain(shown[last]).startswith(carried):
            self._source = _MARK * cell_len(carried) + self._source[cut:]
            self._carried, self._rows = rows[last], self._rows[last:]

    def _width(self) -> int:
        """Return how many columns a row may have."""
        return max(self._size[0] - 1, _NARROWEST)

    def _height(self) -> int:
        """Return how many rows the cursor can reach."""
        return max(self._size[1] - 1, 1)

    def _rendered(self, block: Sequence[Token]) -> list[str]:
        with self._console.capture() as captured:
            self._console.print(_Block(block), width=self._width(), end="", crop=False)
        rows = captured.get().split("\n")
        if block[0].type not in {"fence", "code_block"}:
            while rows and _is_blank(rows[0]):
                del rows[0]
        while rows and _is_blank(rows[-1]):
            del rows[-1]
        if self._carried:
            marks = _MARK * cell_len(_plain(self._carried))
            rows[0] = rows[0].replace(marks, self._carried, 1)
            # A line of a table that follows may break the marks.
            rows = [row.replace(_MARK, " ") for row in rows]
        return rows or [""]


class _Block:
    """Renders a block, without what a terminal would obey.

    An entity such as `&#x202e;` is such a character only once it is parsed.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._markdown = _Markdown("", hyperlinks=False)
        self._markdown.parsed = list(tokens)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        for row in console.render_lines(self._markdown, options, pad=False):
            segments = [Segment(printable(one.text), one.style) for one in row]
            while segments and not segments[-1].text.rstrip():
                segments.pop()
            if segments:
                text, style, _ = segments.pop()
                segments.append(Segment(text.rstrip(), style))
            yield from segments
            yield Segment.line()


class _Code(CodeBlock):
    """A code block as it is to be copied: no frame, no indent, no background."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        yield Syntax(
            str(self.text).rstrip(),
            self.lexer_name if self.lexer_name.lower() in _languages() else "text",
            theme="ansi_dark",
            background_color="default",
            word_wrap=True,
        )


@cache
def _languages() -> frozenset[str]:
    """Return the languages that Pygments itself knows.

    For any other it would search all installed packages, with each rendering.
    """
    return frozenset(
        alias for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases
    )


class _Heading(Heading):
    """A heading on the left; Rich's are in the middle, some in a box."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "fence": _Code,
        "code_block": _Code,
        "heading_open": _Heading,
    }


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Return the tokens of each block of a document."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        if token.children:
            token.children = list(_inline(token.children))
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _inline(tokens: Sequence[Token]) -> Iterator[Token]:
    """Keep an answer's line breaks, and show an address once if it is its own text."""
    bare = 0
    for i, token in enumerate(tokens):
        if token.type == "softbreak":
            token.type = "hardbreak"
        if token.type == "link_open":
            text = tokens[i + 1].content if i + 2 < len(tokens) else ""
            if tokens[i + 1].type == "text" and text == token.attrs.get("href"):
                bare = 1
                continue
        if token.type == "link_close" and bare:
            bare = 0
            continue
        yield token


def _sure(source: str) -> str:
    """Return a text without a last line whose meaning depends on what follows."""
    head, newline, tail = source.rpartition("\n")
    return head + newline if _UNSURE.fullmatch(tail) else source


def _last_gap(source: str, end: int, width: int) -> int:
    """Return where a paragraph can be cut, before `end`; 0 if there is no such place.

    A cut is before a space or a line break, or in a word that fills rows of its own.
    """
    start = max(end - 4 * width, 0)
    gaps = [match.start() for match in _GAP.finditer(source, start, end)]
    if gaps:
        return gaps[-1]
    word = source[start : end + 1]
    return end if start and word[-2:].isalnum() and not _SPACE.search(word) else 0


def _plain(row: str) -> str:
    return _ESCAPES.sub("", row)


def _is_blank(row: str) -> bool:
    return not _plain(row).strip()


def _up(rows: int) -> str:
    return f"\x1b[{rows}A" if rows else ""
