"""Break answers in the middle, let another target continue them, and count the whole.

    python -m bench.seams [--seams N] [--seed N] [--examples]

Time is simulated, and no network is used. Each seam takes a text, a place where it
breaks, and a way in which the second target goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from random import Random

import turnout
from bench.answers import OTHERS, REPEATING, TEXTS
from turnout import (
    ChatRequest,
    ConnectionLostError,
    ModelInfo,
    Provider,
    ProviderInfo,
    StreamBrokenError,
    TurnoutError,
)
from turnout.testing import run_simulated

__all__ = ["WAYS", "Seam", "Table", "measure"]

OPENINGS = [
    "Got it. ",
    "Right, back to it: ",
    "Understood! ",
    "Natürlich, hier geht es weiter:\n\n",
    "Entschuldigung für die Unterbrechung. ",
    "Bien sûr ! Voici la suite :\n\n",
    "Claro, continúo donde lo dejé:\n\n",
    "Certo. ",
    "Oczywiście, oto dalszy ciąg:\n",
    "Конечно! Продолжаю: ",
    "Let me pick up where I left off.\n\n",
    "My bad, the connection dropped. Here goes:\n\n",
    "Yes, of course. The missing part follows: ",
    "好的，继续：\n\n",
    "もちろんです。続きです：\n\n",
]

Rest = Callable[[str, int, Random], str | None]
"""What a target says of a text that was cut; None if the way is not possible there."""


@dataclass(frozen=True)
class Seam:
    """One broken answer and its continuation."""

    text: str
    cut: int
    says: str
    prefill: bool
    pace: float


def words_again(count: int) -> Rest:
    def rest(text: str, cut: int, _: Random) -> str | None:
        found = list(re.finditer(r"\S+", text[:cut]))
        if len(found) <= count:
            return None
        again = text[found[-count].start() : cut]
        # One or two letters may be the text's own as well as a repetition.
        return again + text[cut:] if sum(map(str.isalpha, again)) >= 2 + count else None

    return rest


def characters_again(count: int) -> Rest:
    def rest(text: str, cut: int, _: Random) -> str | None:
        return text[cut - count :] if cut > count else None

    return rest


def since(*marks: str) -> Rest:
    def rest(text: str, cut: int, _: Random) -> str | None:
        shown = text[:cut].rstrip()
        ends = [shown.rfind(mark) + len(mark) for mark in marks if mark in shown]
        at = max(ends, default=0)
        return text[at:] if sum(map(str.isalpha, text[at:cut])) >= 4 else None

    return rest


def open_with(openings: list[str]) -> Rest:
    return lambda text, cut, random: random.choice(openings) + text[cut:]


def fence_again(text: str, cut: int, random: Random) -> str | None:
    if text[:cut].count("```") % 2 == 0 or text[cut - 1] == "\n":
        return None
    return f"```{random.choice(['', 'python', 'py'])}\n{text[cut:]}"


def fenced(text: str, cut: int, _: Random) -> str | None:
    """Put the whole continuation in a code block."""
    odd = text[:cut].count("```") % 2 or text[cut:].count("```") % 2
    return None if odd or text[cut - 1] == "\n" else f"```\n{text[cut:]}\n```"


def changed(change: Callable[[str], str]) -> Rest:
    def rest(text: str, cut: int, _: Random) -> str | None:
        start = text.rfind(" ", 0, max(0, cut - 70)) + 1
        old = text[start:cut]
        space = old[len(old.rstrip()) :]
        new = change(old.rstrip()) + space
        return new + text[cut:] if new != old and len(old) > 40 else None

    return rest


def restart_changed(text: str, cut: int, random: Random) -> str | None:
    """Begin again, with two letters in the first 50 changed."""
    if cut < 120 or not text[cut - 1].isalpha():
        return None
    letters = [at for at in range(12, 50) if text[at].isalpha()]
    again = list(text)
    for at in random.sample(letters, min(2, len(letters))):
        again[at] = "x"
    return "".join(again)


def another(text: str, cut: int, random: Random) -> str | None:
    if cut < 40 or not text[cut - 1].isalnum():
        return None
    return random.choice(OTHERS)


def curly(text: str) -> str:
    return text.replace('"', "”").replace("'", "’").replace("-", "–")


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def bare(text: str) -> str:
    return text.replace("*", "").replace("`", "")


def other_form(text: str) -> str:
    return unicodedata.normalize(
        "NFC" if unicodedata.is_normalized("NFD", text) else "NFD", text
    )


def first_case(text: str) -> str:
    return text[:1].swapcase() + text[1:]


ANCHORED: dict[str, Callable[[str, str, Random], str]] = {
    "anchor": lambda anchor, rest, _: anchor + rest,
    "anchor, an opening": lambda a, rest, random: random.choice(OPENINGS) + a + rest,
    "anchor, dots before": lambda a, rest, random: (
        random.choice(["...", "… "]) + a + rest
    ),
    "anchor in quotes": lambda a, rest, _: f'"{a}"{rest}',
    "anchor in curly quotes": lambda a, rest, _: f"“{a}”{rest}",
    "anchor, opened quotes": lambda a, rest, _: f'"{a}{rest}',
    "anchor on a line of its own": lambda a, rest, _: f"\n\n{a}{rest}",
    "anchor in bold": lambda a, rest, random: f"**{a}**{rest}",
    "anchor, other quotes": lambda a, rest, _: curly(a) + rest,
    "anchor, other space": lambda a, rest, _: flat(a) + rest,
    "anchor, no emphasis": lambda a, rest, _: bare(a) + rest,
    "anchor, other Unicode": lambda a, rest, _: other_form(a) + rest,
    "anchor, other case": lambda a, rest, _: first_case(a) + rest,
    "anchor, all fenced": lambda a, rest, _: f"```\n{a}{rest}\n```",
}
"""How a target repeats the anchor that it was asked for, and goes on."""

_EXACT: Rest = lambda text, cut, _: text[cut:]  # noqa: E731

WAYS: dict[str, tuple[int, tuple[bool, ...], Rest | None]] = {
    "exact": (30, (False, True), _EXACT),
    **dict.fromkeys(ANCHORED, (5, (False,), None)),
    "restart": (4, (False, True), lambda text, cut, _: text),
    "restart, a few letters changed": (3, (False, True), restart_changed),
    "last word": (4, (False, True), words_again(1)),
    "last 2 words": (4, (False, True), words_again(2)),
    "last 4 words": (4, (False, True), words_again(4)),
    "last 8 words": (4, (False, True), words_again(8)),
    "last 60 characters": (4, (False, True), characters_again(60)),
    "last 200 characters": (4, (False, True), characters_again(200)),
    "sentence": (4, (False, True), since(". ", "! ", "? ", "。", "। ")),
    "line": (4, (False, True), since("\n")),
    "paragraph": (4, (False, True), since("\n\n", "\r\n\r\n")),
    "opening": (10, (False,), open_with(OPENINGS)),
    "dots": (3, (False,), open_with(["...", "…", "… "])),
    "code block again": (3, (False,), fence_again),
    "all in a code block": (2, (False,), fenced),
    "overlap, other quotes": (3, (False, True), changed(curly)),
    "overlap, other space": (3, (False, True), changed(flat)),
    "overlap, no emphasis": (3, (False, True), changed(bare)),
    "repeating text": (6, (False, True), _EXACT),
    "another answer": (8, (False, True), another),
}
"""For each way: its share, its forms (prefill or not), and what the target says."""

NOT_SUMMED = "another answer"


def pieces(text: str, random: Random) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = random.choice((1, 1, 2, 3, 5, 9, 30))
        yield text[at : at + size]
        at += size


class First(Provider):
    """Give the beginning of an answer, and lose the connection."""

    info = ProviderInfo(name="First", models=("one",))
    seams: dict[str, tuple[str, Seam, Random]]

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        _, seam, random = self.seams[request.messages[0].text]
        for piece in pieces(seam.text[: seam.cut], random):
            yield piece
        raise ConnectionLostError("cut")


class Second(Provider):
    """Continue the answer in the way that the seam says."""

    info = ProviderInfo(
        name="Second",
        models=(ModelInfo(name="plain"), ModelInfo(name="prefill", prefill="trailing")),
    )
    seams: dict[str, tuple[str, Seam, Random]]

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        way, seam, random = self.seams[request.messages[0].text]
        says = seam.says
        if way in ANCHORED or (way == "repeating text" and not request.prefill):
            says = self.anchored(way, seam, request.last_user_text, random)
        elif request.prefill and says == seam.text[seam.cut :]:
            says = seam.text[len(seam.text[: seam.cut].rstrip()) :]
        for piece in pieces(says, random):
            await asyncio.sleep(seam.pace)
            yield piece

    @staticmethod
    def anchored(way: str, seam: Seam, asked: str, random: Random) -> str:
        """Begin with the last words as far as the last message quotes them."""
        shown = seam.text[: seam.cut].rstrip()
        starts = range(len(shown))
        start = next((at for at in starts if shown[at:].strip() in asked), len(shown))
        anchor = shown[start:].lstrip()
        if len(anchor) < 6:
            return seam.text[seam.cut :]
        repeat = ANCHORED.get(way, ANCHORED["anchor"])
        return repeat(anchor, seam.text[len(shown) :], random)


def sample(way: str, random: Random) -> Seam:
    _, forms, says = WAYS[way]
    while True:
        texts = (
            REPEATING if way == "repeating text" else TEXTS[random.choice(list(TEXTS))]
        )
        text = random.choice(texts)
        cut = random.randrange(1, len(text))
        text = text[: cut + random.randint(40, 500)]
        if not text[:cut].strip():
            continue
        if says is None and len(text[:cut].strip()) < 24:
            continue
        if "fenced" in way and (text[:cut].count("```") | text.count("```")) & 1:
            continue
        said = "" if says is None else says(text, cut, random)
        if said is not None:
            pace = random.choice((0.001, 0.03, 0.4))
            return Seam(text, cut, said, random.choice(forms), pace)


class Table:
    """Count the outcomes of each way."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
        self.joins: Counter[str] = Counter()
        self.examples: dict[tuple[str, str], list[tuple[Seam, str]]] = {}

    def share(self, outcome: str, *ways: str) -> float:
        """Return the share of an outcome, of all ways but another answer by default."""
        counted = [
            self.counts[way] for way in ways or WAYS if ways or way != NOT_SUMMED
        ]
        return sum(c[outcome] for c in counted) / max(
            1, sum(one.total() for one in counted)
        )


async def _run(table: Table, count: int, seed: int) -> None:
    seams: dict[str, tuple[str, Seam, Random]] = {}
    First.seams = Second.seams = seams
    shares = sum(share for share, *_ in WAYS.values())
    for way, (share, *_) in WAYS.items():
        random = Random(f"{seed} {way}")
        for number in range(max(1, round(count * share / shares))):
            seam = sample(way, random)
            key = f"{way} {number}"
            seams[key] = way, seam, random
            outcome, shown, join = await _outcome(way, seam, key)
            del seams[key]
            table.counts[way][outcome] += 1
            table.joins[join] += 1
            if outcome not in {"whole", "refused" if way == NOT_SUMMED else "whole"}:
                table.examples.setdefault((way, outcome), []).append((seam, shown))


async def _outcome(way: str, seam: Seam, key: str) -> tuple[str, str, str]:
    # Targets of their own, so that no failure counts for the next seam.
    route = turnout.fallback(
        First(api_key=key).target(),
        Second(api_key=key).target("prefill" if seam.prefill else "plain"),
    )
    shown = ""
    try:
        async with route.stream(key) as stream:
            async for text in stream:
                shown += text
    except StreamBrokenError:
        return "refused", shown, "refused"
    except TurnoutError as error:
        return type(error).__name__, shown, "refused"
    join = str(stream.reply.attempts[-1].join)
    if way == NOT_SUMMED:
        return "spliced", shown, join
    if shown == seam.text:
        return "whole", shown, join
    once = shown.startswith(seam.text[: seam.cut])
    rest = shown[seam.cut :].endswith(seam.text[seam.cut :])
    return "twice" if once and rest else "lost", shown, join


def measure(seams: int, seed: int) -> Table:
    """Break so many answers and return the outcomes.

    Args:
        seams: How many, over all ways.
        seed: Of the texts, the places and the pieces.
    """
    table = Table()
    run_simulated(_run(table, seams, seed))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how answers are joined.")
    parser.add_argument("--seams", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=20261130)
    parser.add_argument("--examples", action="store_true")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    table = measure(arguments.seams, arguments.seed)
    outcomes = ("whole", "twice", "lost", "refused", "spliced")
    print(f"{'way':32}{'seams':>6}" + "".join(f"{name:>9}" for name in outcomes))
    for way, counts in table.counts.items():
        shares = (f"{table.share(name, way):8.1%} " for name in outcomes)
        print(f"{way:32}{counts.total():6}" + "".join(shares))
    exact = table.share("whole", "exact")
    anchored = table.share("whole", *ANCHORED)
    whole, lost = table.share("whole"), table.share("lost")
    spliced = table.share("spliced", NOT_SUMMED)
    print(
        f"whole {whole:.1%}, exact {exact:.1%}, anchored {anchored:.1%}, "
        f"lost {lost:.2%}, another answer spliced {spliced:.0%}"
    )
    print(f"joins: {dict(table.joins)}; {time.perf_counter() - begun:.0f} s")
    if arguments.examples:
        for (way, outcome), examples in table.examples.items():
            for seam, shown in examples[:3]:
                print(f"{way}: {outcome}{' (prefill)' * seam.prefill}")
                print(f"   shown {seam.text[max(0, seam.cut - 50) : seam.cut]!r}")
                print(f"   came  {seam.says[:90] or seam.text[seam.cut :][:90]!r}")
                print(f"   given {shown[seam.cut :][:90]!r}")
    good = exact >= 0.995 and anchored >= 0.99 and whole >= 0.9
    return not (good and lost <= 0.003 and spliced <= 0.2)


if __name__ == "__main__":
    sys.exit(main())
