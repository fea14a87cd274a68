"""The benchmark of joins, in a short form: what it promises holds."""

from __future__ import annotations

from random import Random

import pytest
from bench.answers import OTHERS, REPEATING, TEXTS
from bench.seams import ANCHORED, NOT_SUMMED, measure

from turnout.joins._seam import Seam, SeamError


@pytest.mark.parametrize("seed", [7, 20261130])
def test_broken_answers_are_whole_as_often_as_is_promised(seed: int) -> None:
    table = measure(700, seed)

    assert table.share("whole", "exact") >= 0.995
    assert table.share("whole", *ANCHORED) >= 0.99
    assert table.share("whole") >= 0.9
    assert table.share("lost") <= 0.003
    assert table.share("spliced", NOT_SUMMED) <= 0.2


def outcome(
    partial: str, reply: str, random: Random | None, *, instruction: bool
) -> object:
    """Return what a reply gives, cut at random into pieces; whole for None."""
    seam = Seam(partial, instruction=instruction)
    text, at = "", 0
    try:
        while at < len(reply):
            size = len(reply) if random is None else random.choice((1, 2, 3, 7, 40))
            text += seam.feed(reply[at : at + size])
            at += size
        text += seam.release()
    except SeamError as error:
        return str(error)
    return text, seam.join, seam.dropped


@pytest.mark.parametrize("seed", range(4))
def test_how_a_reply_is_cut_into_pieces_changes_nothing(seed: int) -> None:
    random = Random(seed)
    texts = [*(text for kind in TEXTS.values() for text in kind), *REPEATING]
    for _ in range(150):
        text, other = random.choice(texts), random.choice([*texts, *OTHERS])
        cut = random.randrange(1, len(text))
        start = max(0, cut - random.choice((0, 0, 3, 12, 70, 400)))
        before = random.choice(["", "", "Sure. ", "...", "\n", '"', other[:30]])
        reply = before + random.choice([text[start:], other])[:900]
        for instruction in (True, False):
            whole = outcome(text[:cut], reply, None, instruction=instruction)
            cut_up = outcome(text[:cut], reply, random, instruction=instruction)
            assert cut_up == whole
