"""What of a continuation is shown (M01, M02, M03, M04)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from turnout.routes._seam import Seam, SeamError, SeamPolicy

POLICY = SeamPolicy()

SHOWN = (
    "A turnout lets a train take another line without stopping. Its blades are moved "
    "by a motor or by hand, and a lock holds them where they are while a train goes "
    "over. Where two lines meet, the driver sees which way is set before he comes to"
)
REST = " it, and slows down if the way is not his. Nothing else is to be done."


def seam(
    partial: str = SHOWN,
    *,
    instruction: bool = False,
    stripped: str = "",
    **policy: Any,
) -> Seam:
    return Seam(
        partial, instruction=instruction, policy=SeamPolicy(**policy), stripped=stripped
    )


def pieces(text: str, size: int) -> Iterable[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def shown(joint: Seam, continuation: str, size: int = 10_000) -> str:
    """Return what is shown of a continuation that ends, fed in pieces."""
    told = "".join([joint.feed(piece) for piece in pieces(continuation, size)])
    told += joint.release()
    assert not joint.holding
    assert joint.dropped == len(continuation) - len(told)
    return told


def words(source: Random, characters: int) -> str:
    """Return a text of words that hardly repeats itself."""
    text = ""
    while len(text) < characters:
        word = "".join(
            source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))
        )
        text += word + source.choice([" ", " ", " ", ", ", ". ", "\n"])
    return text[:characters]


def test_the_numbers_are_those_that_are_documented() -> None:
    assert POLICY == SeamPolicy(
        hold_characters=320,
        hold_seconds=1.5,
        restart_head=64,
        shortest_restart=24,
        restart_alnum=3,
        shortest_overlap=16,
        longest_overlap=1024,
        overlap_alnum=6,
        overlap_words=2,
        quote_suffix=32,
        quote_within=200,
        longest_preamble=80,
    )


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("hold_characters", 0),
        ("restart_head", 1),
        ("shortest_restart", 1),
        ("restart_alnum", 0),
        ("shortest_overlap", 1),
        ("overlap_alnum", 0),
        ("overlap_words", 0),
        ("quote_suffix", 1),
        ("quote_within", 0),
        ("longest_preamble", 0),
    ],
)
def test_a_policys_number_has_a_least(name: str, least: int) -> None:
    fields: dict[str, Any] = {name: least - 1}
    with pytest.raises(ValueError, match=f"{name} is at least {least}"):
        SeamPolicy(**fields)
    assert getattr(SeamPolicy(**{name: least}), name) == least


@pytest.mark.parametrize("value", [0, math.inf, math.nan])
def test_a_policys_hold_is_a_span(value: float) -> None:
    with pytest.raises(ValueError, match="hold_seconds is in seconds"):
        SeamPolicy(hold_seconds=value)


def test_a_policys_longest_overlap_may_be_its_shortest() -> None:
    assert SeamPolicy(longest_overlap=16).longest_overlap == 16
    with pytest.raises(ValueError, match="longest_overlap is shortest_overlap"):
        SeamPolicy(longest_overlap=15)


def exact(answer: str, cut: int) -> str:
    return answer[cut:]


def repeats(count: int) -> Callable[[str, int], str]:
    return lambda answer, cut: answer[max(0, cut - count) :]


def restarts(answer: str, _cut: int) -> str:
    return answer


def quotes(answer: str, cut: int) -> str:
    return "Sure, continuing: ..." + answer[max(0, cut - 90) :]


def restarts_politely(answer: str, _cut: int) -> str:
    return "Certainly! Here is the whole answer:\n\n" + answer


@pytest.mark.parametrize("seed", [20261122, 20261123])
@pytest.mark.parametrize(
    ("continue_", "instruction", "shortest"),
    [
        pytest.param(exact, False, 0, id="M01 exact"),
        pytest.param(exact, True, 0, id="M01 exact, asked for"),
        pytest.param(repeats(40), False, 40, id="M02 the last 40"),
        pytest.param(repeats(40), True, 40, id="M02 the last 40, asked for"),
        pytest.param(repeats(300), False, 300, id="M02 the last 300"),
        pytest.param(repeats(300), True, 300, id="M02 the last 300, asked for"),
        pytest.param(repeats(1024), False, 1024, id="M02 the last 1024"),
        pytest.param(repeats(1024), True, 1024, id="M02 the last 1024, asked for"),
        pytest.param(restarts, False, 24, id="M03 from the start"),
        pytest.param(restarts, True, 24, id="M03 from the start, asked for"),
        pytest.param(restarts_politely, True, 24, id="M03 from the start, politely"),
        pytest.param(quotes, True, 90, id="a quote"),
    ],
)
def test_an_answer_is_whole_wherever_it_was_cut(
    seed: int,
    continue_: Callable[[str, int], str],
    instruction: bool,
    shortest: int,
) -> None:
    source = Random(seed)
    for _ in range(25):
        answer = words(source, source.randint(1, 2500))
        cut = source.randint(min(shortest, len(answer)), len(answer))
        if cut < max(1, shortest):
            continue
        # White space before an answer is none that a repetition must have.
        if len(answer[:cut].strip()) < shortest:
            continue
        for size in (1, source.randint(2, 30), 10_000):
            joint = seam(answer[:cut], instruction=instruction)
            told = shown(joint, continue_(answer, cut), size)
            assert answer[:cut] + told == answer


@pytest.mark.parametrize("seed", [20261124])
def test_the_last_16_are_known_where_they_have_two_words_m02(seed: int) -> None:
    source = Random(seed)
    known = 0
    for _ in range(500):
        answer = words(source, 400)
        cut = source.randint(16, 399)
        last = answer[cut - 16 : cut]
        telling = len(set(last) - set(" ,.\n")) >= 6 and len(last.split()) >= 2
        repeat = "" if telling else last
        assert shown(seam(answer[:cut]), answer[cut - 16 :], 5) == repeat + answer[cut:]
        known += telling
    assert known > 450


@pytest.mark.parametrize("seed", [20261125])
def test_white_space_that_was_not_sent_is_shown_once_m01(seed: int) -> None:
    source = Random(seed)
    for _ in range(300):
        answer = words(source, 300).replace(". ", ".  \n\n")
        cut = source.randint(1, len(answer))
        partial = answer[:cut]
        sent = partial.rstrip()
        joint = seam(partial, stripped=partial[len(sent) :])

        told = shown(joint, answer[len(sent) :], source.randint(1, 9))

        assert partial + told == answer


@pytest.mark.parametrize(
    ("stripped", "continuation", "told"),
    [
        ("\n\n", "\n\nThen", "Then"),
        ("\n\n", "\nThen", "Then"),
        ("\n\n", "Then", "Then"),
        (" ", "  Then", " Then"),
        ("\n", " Then", " Then"),
        ("\n\n", "\n", ""),
    ],
)
def test_white_space_is_dropped_as_far_as_it_is_repeated(
    stripped: str, continuation: str, told: str
) -> None:
    for size in (1, 100):
        assert (
            shown(seam("Hello." + stripped, stripped=stripped), continuation, size)
            == told
        )
        blank = seam(stripped, stripped=stripped)
        assert shown(blank, continuation, size) == told


def test_white_space_is_waited_for_and_no_more() -> None:
    joint = seam("Hello.\n\n", stripped="\n\n")

    assert (joint.feed("\n"), joint.holding) == ("", True)
    assert (joint.feed("\n"), joint.holding) == ("", False)
    assert joint.feed("\n") == "\n"
    assert seam("Hello.\n\n", stripped="\n\n").feed("T") == "T"


@pytest.mark.parametrize("separator", [" ", "\n\n"])
def test_an_answer_that_opens_as_a_preamble_does_is_known_again(separator: str) -> None:
    # Longer than any overlap, which would make up for it.
    partial = f"Here is how it works:{separator}{words(Random(7), 1500)}end"

    assert shown(seam(partial, instruction=True), partial + REST, 5) == REST


def test_much_white_space_before_an_answer_is_repeated_too() -> None:
    partial = " " * 70 + SHOWN

    assert shown(seam(partial), partial + REST, 5) == REST


def test_from_24_characters_on_white_space_may_stand_before_a_restart() -> None:
    for length, told in ((24, SHOWN[24:]), (23, "\n" + SHOWN)):
        assert shown(seam(SHOWN[:length]), "\n" + SHOWN, 5) == told


def test_from_24_characters_on_few_letters_make_a_restart() -> None:
    assert shown(seam("- " * 12), "- " * 12 + "one", 5) == "one"
    assert shown(seam("- " * 11), "- " * 11 + "one", 5) == "- " * 11 + "one"


def test_a_line_of_signs_is_no_quote() -> None:
    line = "\n" + "=" * 31
    rest = f" more to say.{line}\nNext."

    assert shown(seam(SHOWN + line, instruction=True), rest, 5) == rest


def test_what_is_shorter_than_an_overlap_is_none() -> None:
    assert seam("No, no, no").feed("no,") == "no,"


def test_an_exact_continuation_is_shown_as_soon_as_it_is_known_m01() -> None:
    joint = seam()

    assert joint.feed(" it,") == " it,"
    assert joint.feed(" and") == " and"
    assert not joint.holding
    assert joint.dropped == 0


def test_after_an_instruction_a_quote_is_waited_for() -> None:
    joint = seam(instruction=True)
    text = " it, and slows" + "." * 400

    assert joint.feed(text[:319]) == ""
    assert joint.holding
    assert joint.feed(text[319:320]) == text[:320]
    assert joint.feed(text[320:]) == text[320:]


def test_the_time_of_the_hold_ends_it() -> None:
    joint = seam(instruction=True)
    assert joint.time_up() == ""
    assert joint.feed(" it, and") == " it, and"
    assert joint.time_up() == ""

    joint = seam(instruction=True)
    joint.feed(" it, and")
    assert joint.time_up() == " it, and"
    assert not joint.holding
    assert joint.release() == ""


def test_what_may_be_a_repetition_is_held_on_when_the_time_is_up_m02() -> None:
    joint = seam(instruction=True)
    assert joint.feed(SHOWN[-20:-1]) == ""
    assert (joint.time_up(), joint.holding) == ("", True)
    assert (joint.feed(SHOWN[-1:]), joint.holding) == ("", False)
    assert joint.feed(REST) == REST
    assert joint.dropped == 20


def test_what_may_be_a_restart_is_held_on_when_the_time_is_up_m03() -> None:
    joint = seam(instruction=True)
    joint.feed(SHOWN[:10])
    assert joint.time_up() == ""
    assert joint.feed(SHOWN[10:]) == ""
    assert joint.time_up() == ""
    assert joint.feed(REST) == REST


def test_what_was_held_on_is_shown_when_it_is_none() -> None:
    joint = seam(instruction=True)
    joint.feed("A turn")
    joint.time_up()

    assert joint.feed("stile") == "A turnstile"


def test_nothing_is_held_of_nothing() -> None:
    joint = seam()

    assert joint.feed("") == ""
    assert not joint.holding
    assert joint.release() == ""


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_restart_that_diverges_is_refused_m04(size: int) -> None:
    joint = seam()
    fed = (joint.feed(p) for p in pieces(SHOWN[:100] + "%" + SHOWN[100:], size))

    with pytest.raises(SeamError, match="differs after") as caught:
        assert not any(fed)

    assert SHOWN[:10] not in str(caught.value)


def test_a_restart_that_diverges_at_its_last_character_is_refused_m04() -> None:
    joint = seam()
    joint.feed(SHOWN[:-1])

    with pytest.raises(SeamError, match=f"differs after {len(SHOWN) - 1}"):
        joint.feed("?")


@pytest.mark.parametrize("length", [24, 63, 64, 100, len(SHOWN) - 1])
def test_a_restart_that_ends_before_what_was_shown_is_refused_m04(length: int) -> None:
    for instruction in (False, True):
        joint = seam(instruction=instruction)
        assert joint.feed(SHOWN[:length]) == ""
        with pytest.raises(SeamError, match=f"begun again.* {length}"):
            joint.release()


def test_a_short_beginning_alone_is_no_restart_m04() -> None:
    assert shown(seam(), SHOWN[:23]) == SHOWN[:23]


def test_a_restart_may_end_where_the_answer_did_m03() -> None:
    assert shown(seam(), SHOWN, 9) == ""


@pytest.mark.parametrize("length", [3, 23, 24, 63, 64, 65])
def test_a_restart_is_known_of_a_short_answer_too_m03(length: int) -> None:
    # No overlap, as it has one word.
    partial = ("x1y2z3" * 20)[:length]

    assert shown(seam(partial), partial + REST, 4) == REST


@pytest.mark.parametrize("partial", ["I", "ha ", "= = = =", "\n\n", "11"])
def test_of_next_to_nothing_no_restart_is_known_m03(partial: str) -> None:
    assert shown(seam(partial), partial + REST) == partial + REST


@pytest.mark.parametrize(
    ("partial", "continuation", "told"),
    [
        pytest.param("Bye", " Bye, then", " Bye, then", id="the same word again"),
        pytest.param("Bye", "Bye, then", ", then", id="from the start"),
        pytest.param("\n\nBye", "\n\nBye, then", ", then", id="with its white space"),
        pytest.param("\n\nBye", "Bye, then", ", then", id="without its white space"),
        pytest.param("\n\nBye", "\nBye, then", "\nBye, then", id="with other"),
    ],
)
def test_a_short_answers_restart_has_its_own_white_space_m03(
    partial: str, continuation: str, told: str
) -> None:
    for size in (1, 100):
        assert shown(seam(partial), continuation, size) == told


@pytest.mark.parametrize("same", [63, 64])
def test_a_restart_begins_with_64_characters_m03(same: int) -> None:
    joint = seam()
    text = SHOWN[:same] + "%" + REST

    if same == 64:
        with pytest.raises(SeamError):
            joint.feed(text)
    else:
        assert shown(joint, text) == text


@pytest.mark.parametrize(
    ("before", "again"), [("", "\n\n"), ("\n ", ""), (" ", "\n"), ("", " " * 64)]
)
def test_a_restart_may_differ_in_the_white_space_before_it_m03(
    before: str, again: str
) -> None:
    for size in (1, 500):
        assert shown(seam(before + SHOWN), again + SHOWN + REST, size) == REST


def test_white_space_without_end_is_shown() -> None:
    joint = seam()

    assert joint.feed(" " * 64) == ""
    assert joint.feed(" ") == " " * 65


@pytest.mark.parametrize("length", [15, 16, 17, 200])
def test_an_overlap_has_16_characters_m02(length: int) -> None:
    repeat = SHOWN[-length:]
    told = REST if length >= 16 else repeat + REST

    for size in (1, 3, 10_000):
        assert shown(seam(), repeat + REST, size) == told
        assert shown(seam(), repeat + REST + ".", size) == told + "."


@pytest.mark.parametrize("partial", ["turnouts, trains", "turnouts and trains"])
def test_an_overlap_may_be_all_of_a_short_answer_m02(partial: str) -> None:
    for size in (1, 100):
        assert shown(seam(partial), partial + REST, size) == REST


def test_white_space_before_an_answer_makes_it_no_longer_m03() -> None:
    partial = " " * 20 + "x1" * 3
    text = partial.lstrip() + REST

    assert shown(seam(partial), text) == text


@pytest.mark.parametrize("end", ["a", "a "])
def test_an_overlap_may_look_like_a_preamble_m02(end: str) -> None:
    partial = "He said that. Sure, as I told you: b" + end
    again = "Sure, as I told you: b" + end

    assert shown(seam(partial, instruction=True), again + REST) == REST


def test_an_overlap_may_be_all_that_comes_m02() -> None:
    assert shown(seam(), SHOWN[-100:], 3) == ""


@pytest.mark.parametrize(("length", "known"), [(1024, True), (1025, False)])
def test_an_overlap_has_1024_characters_at_most_m02(length: int, known: bool) -> None:
    partial = words(Random(7), 2000)
    told = REST if known else partial[-length:] + REST

    assert shown(seam(partial), partial[-length:] + REST, 11) == told


@pytest.mark.parametrize(
    ("last", "known"),
    [
        pytest.param(" abc def abc def", True, id="two words, six letters"),
        pytest.param(" abc dea abc dea", False, id="two words, five letters"),
        pytest.param("====abcdefg=====", False, id="one word"),
        pytest.param("====abc.defg====", True, id="two words without a space"),
        pytest.param("----------------", False, id="no word"),
        pytest.param(
            "一二三四五六七八九十百千万上中下", True, id="a script without spaces"
        ),
    ],
)
def test_an_overlap_has_two_words_and_six_letters_m02(last: str, known: bool) -> None:
    assert len(last) == 16
    told = REST if known else last + REST

    assert shown(seam(SHOWN + last), last + REST, 5) == told


def test_the_longest_overlap_is_dropped_m02() -> None:
    verse = "row, row, row your boat; "
    joint = seam("We sang: " + verse * 2)

    assert shown(joint, verse * 2 + "gently") == "gently"


def test_a_preamble_and_a_quote_are_dropped() -> None:
    text = 'The last words were "' + SHOWN[-60:] + REST

    assert shown(seam(instruction=True), text, 8) == REST


def test_a_quote_is_known_after_an_instruction_alone() -> None:
    text = 'The last words were "' + SHOWN[-60:] + REST

    assert shown(seam(), text, 8) == text


@pytest.mark.parametrize(("length", "known"), [(31, False), (32, True)])
def test_a_quote_has_32_characters(length: int, known: bool) -> None:
    text = "%%%" + SHOWN[-length:] + REST

    assert shown(seam(instruction=True), text) == (REST if known else text)
    short = seam(SHOWN[-length:], instruction=True)
    assert shown(short, text) == (REST if known else text)


@pytest.mark.parametrize(("before", "known"), [(199, True), (200, False)])
@pytest.mark.parametrize("length", [32, 100])
def test_a_quote_begins_within_200_characters(
    before: int, known: bool, length: int
) -> None:
    text = "%" * before + SHOWN[-length:] + REST

    assert shown(seam(instruction=True), text) == (REST if known else text)


def test_the_last_words_of_a_text_that_repeats_them_are_no_quote() -> None:
    line = "    assert result is not None and result.ok\n"
    partial = "def test_one():\n" + line + "def test_two():\n" + line
    rest = "def test_three():\n" + line

    assert shown(seam(partial, instruction=True), rest) == rest


def test_a_line_across_the_page_is_no_quote() -> None:
    partial = SHOWN + "\n" + "-" * 40
    rest = "\nNext\n" + "-" * 40

    assert shown(seam(partial, instruction=True), rest) == rest


@pytest.mark.parametrize(
    ("opening", "partial"),
    [
        ("Sure, continuing: ", "the quick brown "),
        ("Sure, continuing: ", "the quick,"),
        ("Sure, continuing:", "the quick brown "),
        ("Of course! Continuing from there:\n", "the quick bro"),
        ("Certainly, here it is:\n\n", "the quick bro"),
        ("Here's the rest: \n", "the quick bro"),
        ("Okay: ", "the quick,"),
        ("Picking up where it stopped:", "the quick bro"),
        ("Resuming:", "the quick bro"),
        ("Sure" + "." * 75 + ":\n", "the quick bro"),
    ],
)
def test_a_preamble_in_a_sentence_is_dropped(opening: str, partial: str) -> None:
    for size in (1, 3, 100):
        joint = seam(partial, instruction=True)
        assert shown(joint, opening + "wn fox", size) == "wn fox"


@pytest.mark.parametrize("seed", [20261126])
def test_a_preamble_that_says_so_is_dropped_wherever_it_comes(
    seed: int,
) -> None:
    source = Random(seed)
    for _ in range(100):
        answer = words(source, 500)
        cut = source.randint(1, 499)
        if answer[cut] == "\n":
            continue
        opening = "Of course, continuing from there:\n"
        joint = seam(answer[:cut], instruction=True)

        assert (
            shown(joint, opening + answer[cut:], source.randint(1, 40)) == answer[cut:]
        )


@pytest.mark.parametrize(
    ("partial", "continuation", "told"),
    [
        pytest.param("a", "Sure, continuing: b", " b", id="between two letters"),
        pytest.param("is a", "Sure, continuing: b", " b", id="after one letter"),
        pytest.param("a", "Sure, continuing:  b", " b", id="two spaces"),
        pytest.param("a", "Sure, continuing: , b", ", b", id="before a comma"),
        pytest.param("a ", "Sure, continuing: b", "b", id="after a space"),
        pytest.param("a", "Sure, continuing:", "", id="nothing after it"),
    ],
)
def test_one_space_after_a_preamble_is_the_answers_between_two_words(
    partial: str, continuation: str, told: str
) -> None:
    for size in (1, 100):
        joint = seam(partial, instruction=True)
        assert shown(joint, continuation, size) == told


@pytest.mark.parametrize(
    ("partial", "continuation"),
    [
        pytest.param("So.", "Sure, as I said: b", id="after a sentence"),
        pytest.param("So. ", "Sure, as I said: b", id="after a sentence and a space"),
        pytest.param("So!", "Sure, as I said: b", id="after a call"),
        pytest.param("So?", "Sure, as I said: b", id="after a question"),
        pytest.param("So:", "Sure, as I said: b", id="after a colon"),
        pytest.param("So\n", "Sure, as I said: b", id="on a new line"),
        pytest.param("So ", "sure, continuing: b", id="no capital"),
        pytest.param("So ", " Sure, continuing: b", id="a space before"),
        pytest.param("So ", "Surely: b", id="another word"),
        pytest.param("So ", "Sure, as in b", id="no colon"),
        pytest.param("So ", "Sure, as in\nb: c", id="a line of its own"),
        pytest.param("So ", "Okay:b", id="no space after"),
        pytest.param("So ", "Sure" + "." * 76 + ": b", id="too long"),
    ],
)
def test_what_may_be_the_answers_own_is_no_preamble(
    partial: str, continuation: str
) -> None:
    assert shown(seam(partial, instruction=True), continuation) == continuation


def test_a_preamble_is_known_after_an_instruction_alone() -> None:
    text = "Sure, continuing: wn fox"

    assert shown(seam("the quick bro"), text) == text


@pytest.mark.parametrize("end", ["", "."])
def test_a_short_overlap_after_a_preamble_is_dropped_with_it(end: str) -> None:
    text = "Sure, continuing: " + (SHOWN + end)[-20:] + REST

    assert shown(seam(SHOWN + end, instruction=True), text, 6) == REST


def test_a_preamble_before_an_overlap_is_waited_for() -> None:
    joint = seam(instruction=True)
    joint.feed("Sure, continuing: ")
    assert joint.time_up() == ""
    assert joint.feed("a lock ") == ""

    assert joint.feed("opens") == " a lock opens"


def test_a_text_that_is_held_is_bounded() -> None:
    # Each more of it may be an overlap that goes on, up to the longest.
    joint = seam(SHOWN + "ab " * 2000, instruction=True)
    held = 0
    for _ in range(2000):
        if joint.feed("ab "):
            break
        held += 3

    assert 1000 < held <= 1024 + 3
