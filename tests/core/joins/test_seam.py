"""How a continuation is joined to the answer so far (M01, M02, M03, M04)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from random import Random

import pytest

from turnout.joins._alike import anchor_of
from turnout.joins._seam import Seam, SeamError
from turnout.types import Join

SHOWN = (
    "A turnout lets a train take another line without stopping. Its blades are moved "
    "by a motor or by hand, and a lock holds them where they are while a train goes "
    "over. Where two lines meet, the driver sees which way is set before he comes to"
)
REST = " it, and slows down if the way is not his. Nothing else is to be done."
ANCHOR = anchor_of(SHOWN)


def shown(
    partial: str,
    continuation: str,
    *,
    instruction: bool = True,
    stripped: str = "",
    join: Join | None = None,
    sizes: tuple[int, ...] = (1, 7, 10_000),
) -> str:
    """Return the text of a continuation that passes, for any size of the pieces.

    Args:
        partial: The answer so far.
        continuation: The whole text of the other target.
        instruction: Whether the request has an instruction.
        stripped: The white space that was not sent.
        join: The expected kind of the join; None for any.
        sizes: The sizes of the pieces.
    """
    texts: set[str] = set()
    for size in sizes:
        seam = Seam(partial, instruction=instruction, stripped=stripped)
        pieces = range(0, len(continuation), size)
        text = "".join([seam.feed(continuation[at : at + size]) for at in pieces])
        text += seam.release()
        assert not seam.holding
        assert seam.dropped == len(continuation) - len(text)
        assert join in {None, seam.join}
        texts.add(text)
    (text,) = texts
    return text


def refused(partial: str, continuation: str, *, instruction: bool = True) -> str:
    """Return why a continuation is refused, before any of it passes."""
    reasons: set[str] = set()
    for size in (1, 9, 10_000):
        seam = Seam(partial, instruction=instruction)
        pieces = range(0, len(continuation), size)
        with pytest.raises(SeamError) as caught:  # noqa: PT012 fed, then ended
            assert not any(seam.feed(continuation[at : at + size]) for at in pieces)
            seam.release()
        reasons.add(str(caught.value))
    (reason,) = reasons
    return reason


# The anchor.


def test_an_anchor_is_whole_words_that_occur_once() -> None:
    assert SHOWN.endswith(" " + ANCHOR)
    assert 60 < len(ANCHOR) <= 80
    assert anchor_of("It is so, \n") == "It is so,"
    assert anchor_of("I") == "I"


def test_an_anchor_of_a_text_with_repetitions_is_longer() -> None:
    line = f"A line {'that is as long as an anchor, ' * 2}and that comes twice here."
    other = "Here is one that is not, and so the next is the same as the first was. "
    partial = f"{line} {other * 2}{line}"

    anchor = anchor_of(partial)

    assert 80 < len(anchor) <= 160
    assert partial.endswith(anchor)
    assert shown(partial, anchor + " So.", join="anchor") == " So."


@pytest.mark.parametrize(
    "partial",
    [
        pytest.param("----", id="a line"),
        pytest.param("=" * 300, id="a long line"),
        pytest.param("0,0,0,", id="numbers"),
        pytest.param("La la", id="in another case"),
        pytest.param("tick tock " * 90, id="words"),
        pytest.param("/", id="no letter"),
        pytest.param(" \n", id="white space"),
    ],
)
def test_a_text_that_repeats_itself_has_no_anchor(partial: str) -> None:
    assert anchor_of(partial) == ""


def test_a_script_without_spaces_has_an_anchor() -> None:
    partial = "".join(chr(0x4E00 + 7 * at % 500) for at in range(300))

    assert anchor_of(partial) == partial[-80:]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\n\n",
        "...",
        "\u2026 ",
        "Sure, I'll go on.\n\n",
        "Natürlich! Hier ist der Rest: ",
        "好的，继续：\n\n",
        "Okay, ich mache weiter: ",
        "The last words were: ",
        "(continued) ",
        "[Fortsetzung]\n",
        "> ",
    ],
)
def test_an_opening_before_the_anchor_is_dropped_with_it(before: str) -> None:
    assert shown(SHOWN, before + ANCHOR + REST, join="anchor") == REST


CHANGES: dict[str, Callable[[str], str]] = {
    "white space": lambda text: text.replace(" ", "\n"),
    "more white space": lambda text: text.replace(" ", "  "),
    "a quote opened": lambda text: "\u201c" + text,
    "quotes": lambda text: f'"{text}"',
    "curly quotes": lambda text: f"\u201c{text}\u201d",
    "angle quotes": lambda text: f"\u00ab{text}\u00bb",
    "angle quotes with spaces": lambda text: f"\u00ab {text} \u00bb",
    "bold": lambda text: f"**{text}**",
    "italics": lambda text: f"*{text}*",
    "code": lambda text: f"`{text}`",
    "emphasis": lambda text: text.replace("driver", "**driver**"),
    "case": lambda text: text[0].swapcase() + text[1:],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_an_anchor_may_differ_in_its_marks(change: Callable[[str], str]) -> None:
    assert shown(SHOWN, change(ANCHOR) + REST, join="anchor") == REST


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("again", ["NFC", "NFD"])
def test_an_anchor_may_differ_in_its_unicode_form(form: str, again: str) -> None:
    text = "L'été, c'était au café d'à côté que l'on prenait un thé"
    partial = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    anchor = unicodedata.normalize(again, text)  # type: ignore[arg-type]

    assert shown(partial, anchor + " glacé.", join="anchor") == " glacé."


@pytest.mark.parametrize(
    ("end", "after"),
    [
        (" ", " "),
        ("\n\n", "\n\n"),
        (' said "', ' said "'),
        (' said "', " said \u201c"),
        (" is *", " is *"),
        (" - ", " \u2013 "),
        ("**\n", "\n"),
        ("\n\n", "\n"),
    ],
)
def test_white_space_and_marks_after_the_anchor_are_shown_once(
    end: str, after: str
) -> None:
    rest = "Never after."

    assert shown(SHOWN + end, ANCHOR + after + rest, join="anchor") == rest


def test_white_space_in_quotes_of_the_anchor_is_shown_once() -> None:
    assert shown(SHOWN + " ", f'"{ANCHOR}" it.', join="anchor") == "it."
    assert shown(SHOWN + " ", f'"{ANCHOR} "it.', join="anchor") == "it."


def test_a_broken_word_may_continue_right_after_the_anchor() -> None:
    partial = SHOWN + " it and st"

    assert shown(partial, anchor_of(partial) + "ops.", join="anchor") == "ops."


def test_an_anchor_in_a_code_block_ends_without_the_line_that_closes_it() -> None:
    text = f"```\n{ANCHOR}{REST}\n```"

    assert shown(SHOWN, text, join="anchor") == REST
    assert shown(SHOWN, text + "\n", join="anchor") == REST


def test_a_code_block_of_the_answer_is_closed() -> None:
    partial = SHOWN + "\n\n```python\nprint("

    text = f"```python\n{anchor_of(partial)}1)\n```\nThat's all."
    assert shown(partial, text, join="anchor") == "1)\n```\nThat's all."
    text = f"```\n{ANCHOR}{REST}\n\n```sh\nls\n```"
    assert shown(SHOWN, text, join="anchor").endswith("```sh\nls\n```")


def test_the_rest_may_have_the_words_of_a_short_anchor() -> None:
    # "tick" is the anchor, and the answer continues with it.
    assert shown("Yes!", " Yes! Yes! Yes!") == " Yes! Yes! Yes!"
    assert shown("Yes! ", "Yes! Yes! Yes!") == "Yes! Yes! Yes!"
    assert shown("tick tock t", "ick tock tick tock tick tock") == (
        "ick tock tick tock tick tock"
    )
    assert shown("impor", "t sys. import os") == "t sys. import os"


def test_the_anchor_in_code_that_repeats_it_is_no_anchor() -> None:
    partial = 'if field == "location":\n    result.append(value)\nelif field == '
    rest = '"BaseURI-%s" % self.arch:\n    ' + partial.strip() + ' "last":\n'

    assert shown(partial, rest, join="unverified") == rest


def test_an_anchor_does_not_end_inside_a_character() -> None:
    rest = "So it is\u2026 and so on."

    assert shown("So it is.", rest, join="unverified") == rest


def test_an_anchor_far_from_the_start_is_ignored() -> None:
    text = " and so" + "." * 400 + ANCHOR

    assert shown(SHOWN, text, join="unverified") == text


@pytest.mark.parametrize(
    ("partial", "continuation", "rest"),
    [
        ("I", "I think so.", " think so."),
        ("I", "In fact, yes.", "n fact, yes."),
        ("I", "Sure! I think so.", " think so."),
        ("The", "The answer is no.", " answer is no."),
        ("The", "the answer is no.", " answer is no."),
        ("The", '"The answer is no.', " answer is no."),
        ("The", " answer is no.", " answer is no."),
        ("The answer ", "The answer is", "is"),
        ("Bye", " Bye, then", " Bye, then"),
        ("Tyger ", "Tyger, burning", "Tyger, burning"),
    ],
)
def test_the_anchor_of_a_short_text_is_all_of_it(
    partial: str, continuation: str, rest: str
) -> None:
    assert shown(partial, continuation) == rest


def test_an_anchor_may_begin_as_the_text_ends() -> None:
    partial = "some bytes\n----------\n    are uniform\n\nsequences\n-----------"

    rest = "\n    are random"
    assert shown(partial, partial[11:] + rest) == rest
    assert anchor_of(" " * 90 + partial) == partial


def test_an_anchor_is_recognized_as_soon_as_it_is_complete() -> None:
    seam = Seam(SHOWN, instruction=True)

    assert seam.feed(ANCHOR) == ""
    assert seam.feed(" it") == " it"
    assert seam.feed(", and") == ", and"


def test_text_is_held_while_an_anchor_may_begin_late() -> None:
    before = "Well. " * 32
    seam = Seam(SHOWN, instruction=True)

    assert seam.feed(before + ANCHOR[:40]) == ""
    assert seam.feed(ANCHOR[40:] + REST) == REST


def test_without_an_anchor_the_first_200_characters_are_held() -> None:
    text = " it" + "." * 500
    seam = Seam(SHOWN, instruction=True)

    assert seam.feed(text[:199]) == ""
    assert seam.holding
    assert seam.feed(text[199]) == text[:200]
    assert seam.join == "unverified"


# An exact continuation.


def test_an_exact_continuation_of_a_prefill_is_shown_at_once_m01() -> None:
    seam = Seam(SHOWN, instruction=False)

    assert seam.feed(" it,") == " it,"
    assert seam.feed(" and") == " and"
    assert (seam.join, seam.dropped) == ("prefill", 0)


@pytest.mark.parametrize("instruction", [True, False])
@pytest.mark.parametrize(
    ("partial", "rest"),
    [
        pytest.param("-" * 40, "-" * 40 + "\n", id="a line"),
        pytest.param("0,0,", "0,0,", id="numbers"),
        pytest.param("0,0," * 30, "0,0," * 90, id="many numbers"),
        pytest.param("La la", " la la", id="syllables"),
        pytest.param("La la la la la ", "la la la", id="more syllables"),
        pytest.param("no no no ", "no no never", id="words"),
        pytest.param("it was very, very, ", "very late", id="a word"),
        pytest.param(
            "x = 1\nlog.info('the same line')\nlog.info('the same line')\n",
            "log.info('the same line')\nlog.info('the same line')\n",
            id="lines",
        ),
        pytest.param(
            "id;name\n", "id;name\nid;name\nid;name\n", id="lines, from the first"
        ),
        pytest.param(
            "see this.raws && this.raws.space", "s && this.raws.spaces.x", id="code"
        ),
        pytest.param("A: diskin", "\ndiskin2\ndispfft", id="a line like the last"),
        pytest.param(
            "A: no\nLanguage :: Python\n", "Language :: Python :: 3", id="longer"
        ),
        pytest.param(
            "JavaScript, that is: Java", "Script is a language that", id="JavaScript"
        ),
        pytest.param("for the OpenA", "I, Groq and others keep", id="OpenAI"),
        pytest.param("so it is in `strs", "` must be a string", id="a quote's end"),
        pytest.param("a 3", "D printer is a machine", id="3D"),
        pytest.param("if Ansi", "ToWin32 is not None: x", id="a name"),
        pytest.param("raise Key", "Error: bad key", id="KeyError"),
        pytest.param("He met ", "Paul Simon e.g. at home", id="an abbreviation"),
        pytest.param("towns as ", "Paris, Rome etc. and more", id="etc."),
        pytest.param("x = foo(", "Bar. baz)", id="code in brackets"),
        pytest.param("Content-", "Type: text/plain", id="a header"),
        pytest.param("It ended. ", "Certainly. it did", id="after a sentence"),
        pytest.param("f(x, ", "Found it: yes)", id="an argument"),
        pytest.param("{ ", "...options }", id="code with dots"),
        pytest.param("and so on... or", "... not", id="a text with dots"),
        pytest.param("wait", "....", id="four dots"),
        pytest.param("And", "...", id="dots at the end"),
        pytest.param("(So", "Okay: b)", id="one word and a colon"),
        pytest.param("myClass. Key", "Error as e:\n    raise x", id="indented code"),
        pytest.param("myClass. Key", "Error as e\nand so on", id="a line of code"),
        pytest.param("the fox", "So it is. - no", id="a mark after a sentence"),
        pytest.param("the fox", "*so it goes* on and on", id="italics"),
        pytest.param("so very, very, really ", "really late", id="another word twice"),
        pytest.param("그것은 언어이다. 발", "달하였다. 글자는 세기에", id="Korean"),
        pytest.param("我们讨论", "讨论这个问题吧", id="Chinese"),
        pytest.param("この村の人", "々は春を待つ。夏には泳ぐ。", id="a Japanese mark"),
        pytest.param("In Hawai", "\u02bbi it is. and so on.", id="a modifier letter"),
        pytest.param("```sh\nls\n", "```\n\nThat's all.", id="a closing fence"),
        pytest.param("See:\n\n", "```sh\nls\n```\n", id="a fence of its own"),
    ],
)
def test_an_exact_continuation_loses_nothing_m01(
    instruction: bool, partial: str, rest: str
) -> None:
    assert shown(partial, rest, instruction=instruction) == rest


@pytest.mark.parametrize(
    ("stripped", "continuation", "rest"),
    [
        ("\n\n", "\n\nThen", "Then"),
        ("\n\n", "\nThen", "Then"),
        ("\n\n", "Then", "Then"),
        (" ", "  Then", " Then"),
        ("\n", " Then", " Then"),
        ("\n\n", "\n", ""),
    ],
)
def test_white_space_that_was_not_sent_is_shown_once_m01(
    stripped: str, continuation: str, rest: str
) -> None:
    for text in ("Hello." + stripped, stripped):
        seen = shown(text, continuation, instruction=False, stripped=stripped)
        assert seen == rest


@pytest.mark.parametrize("begin", [0, 12])
def test_a_reply_that_ends_within_the_anchor_adds_nothing(begin: int) -> None:
    assert shown(SHOWN, ANCHOR[begin:-8], join="unverified") == ""


def test_marks_before_an_anchor_belong_to_the_answer_m03() -> None:
    partial = (
        "\u201cWhere were you?\u201d asked Mary. \u201cAt the river,\u201d said Tom. "
        "She looked at the wet shoes by the door. \u201cWith whom?\u201d "
        "\u201cThe dog, of course, and with the miller and all of his sons.\u201d "
    )
    rest = "Mary laughed."
    for at in range(len(partial) - 1):
        again = partial[at:] + rest

        assert shown(partial, again).strip() in {rest, again.strip()}
    assert shown(partial, partial + rest, join="restart") == rest


def test_a_long_repetition_of_chinese_characters_is_dropped_m02() -> None:
    partial = "川は山から始まり、古い町を通って海に注ぎます。人々は毎年その季節を待"

    for instruction in (False, True):
        assert shown(partial, partial[6:] + "つ。", instruction=instruction) == "つ。"


def test_much_white_space_is_shown() -> None:
    assert shown(SHOWN, " " * 65, instruction=False) == " " * 65
    assert Seam(SHOWN, instruction=False).feed(" " * 65) == " " * 65


def test_a_continuation_may_be_empty() -> None:
    assert shown(SHOWN, "", join="unverified") == ""
    assert shown(SHOWN, "", instruction=False, join="prefill") == ""
    assert shown("\n", "Yes", instruction=False, stripped="\n") == "Yes"


# Repetitions.


@pytest.mark.parametrize("instruction", [True, False])
@pytest.mark.parametrize(
    ("again", "join"),
    [
        pytest.param("comes to", "overlap", id="two words"),
        pytest.param("set before he comes to", "overlap", id="five words"),
        pytest.param(SHOWN[-40:], "overlap", id="40 characters"),
        pytest.param(SHOWN[-200:], None, id="200 characters"),
        pytest.param(SHOWN, "restart", id="all"),
        pytest.param("\n\n" + SHOWN, "restart", id="all, after white space"),
    ],
)
def test_a_repetition_of_the_last_words_is_dropped_m02(
    instruction: bool, again: str, join: Join | None
) -> None:
    assert shown(SHOWN, again + REST, instruction=instruction, join=join) == REST


@pytest.mark.parametrize("instruction", [True, False])
@pytest.mark.parametrize(
    ("partial", "again"),
    [
        pytest.param("and no republic", "republic", id="the last word"),
        pytest.param("and no repub", "repub", id="the broken word"),
        pytest.param("and no republic ", "republic ", id="with its space"),
        pytest.param('he said "repub', '"repub', id="in a quote"),
        pytest.param("on *repub", "*repub", id="in italics"),
        pytest.param("x = 1\n    def f", "    def f", id="a line of code"),
        pytest.param("10:39;n-3\n10:40;n", "10:40;n", id="a line of data"),
        pytest.param("1156 1225 1296 13", "1156 1225 1296 13", id="numbers"),
        pytest.param("in 1889 or 1890 ", "1890 ", id="one number"),
        pytest.param(
            "139, 149, 151, 157, 163, 167, 173, 179,",
            " 149, 151, 157, 163, 167, 173, 179,",
            id="numbers after a space",
        ),
        pytest.param("9 1156 1225 1296 1369 ", "1156 1225 1296 1369 ", id="many"),
        pytest.param(
            "pick a random sample\npick weighted random sample\n",
            "pick weighted random sample\n",
            id="a line that ends as the one before",
        ),
        pytest.param("水煮开以后。慢慢搅拌", "慢慢搅拌", id="Chinese"),
        pytest.param("Bye", "Bye", id="all"),
    ],
)
def test_a_short_repetition_is_dropped_m02(
    instruction: bool, partial: str, again: str
) -> None:
    assert shown(partial, again + " and so", instruction=instruction) == " and so"


@pytest.mark.parametrize(
    ("partial", "continuation", "rest"),
    [
        ("I", "I think so.", " think so."),
        ("I'd ", "I'd say so.", "say so."),
        ("Th", "The answer", "e answer"),
        ("L", "LM is short", "LM is short"),
        ("a", "ardvarks", "ardvarks"),
    ],
)
def test_a_few_characters_are_not_shown_twice_after_a_prefill(
    partial: str, continuation: str, rest: str
) -> None:
    assert shown(partial, continuation, instruction=False) == rest


def test_a_long_answer_may_be_repeated_from_its_start_m03() -> None:
    partial = " ".join(map(str, range(3000)))

    for instruction in (True, False):
        rest = shown(partial, partial + " and so", instruction=instruction)
        assert rest == " and so"


def test_1500_characters_may_be_repeated_m02() -> None:
    text = "".join(f"Line {n} says {n * 7919 % 1000}.\n" for n in range(200))
    for instruction in (True, False):
        rest = shown(text[:2500], text[1000:], instruction=instruction)
        assert rest == text[2500:]


def test_a_repetition_may_have_other_quotes_m02() -> None:
    partial = 'He said "no" - and that\'s what he\'d always said to "them" - and so'
    again = partial.replace("'", "\u2019").replace('"', "\u201c").replace("-", "\u2014")

    seen = shown(partial, again[8:] + " it was.", instruction=False)
    assert seen == " it was."


def test_a_continuation_may_be_only_a_repetition_m02() -> None:
    assert shown(SHOWN, SHOWN[-100:]) == ""
    assert shown(SHOWN, SHOWN) == ""


def test_a_repetition_after_an_opening_is_dropped_with_it_m02() -> None:
    again = "which way is set before he comes to"

    assert shown(SHOWN, f"Of course. Here it is: {again}{REST}", join="overlap") == REST


@pytest.mark.parametrize("seed", [20261122, 20261130])
def test_an_answer_is_complete_wherever_it_was_cut_m03(seed: int) -> None:
    random = Random(seed)
    words = [
        "".join(random.choices("abcdefgilmnorstu", k=n % 8 + 2)) for n in range(300)
    ]
    text = " ".join(words)
    for _ in range(60):
        cut = random.randrange(30, len(text) - 30)
        for start in (0, max(0, cut - 60), cut):
            for instruction in (True, False):
                rest = shown(
                    text[:cut],
                    text[start:],
                    instruction=instruction,
                    sizes=(1, random.randint(2, 90), 10_000),
                )
                assert rest == text[cut:]


# Restarts that differ.


@pytest.mark.parametrize("instruction", [True, False])
def test_a_restart_may_differ_in_a_few_letters_m04(instruction: bool) -> None:
    again = SHOWN.replace("another line", "an other line").replace("motor", "motos")

    seen = shown(SHOWN, again + REST, instruction=instruction, join="restart")
    assert seen == REST
    assert shown(SHOWN, again, instruction=instruction, join="restart") == ""


@pytest.mark.parametrize("instruction", [True, False])
def test_a_restart_that_is_another_answer_is_refused_m04(instruction: bool) -> None:
    other = SHOWN[:100] + " and so they all went home. " * 20
    reason = refused(SHOWN, other, instruction=instruction)

    assert "restarts the answer, and differs from it within" in reason
    assert SHOWN[:10] not in reason


@pytest.mark.parametrize("length", [30, 64, 200])
def test_a_restart_that_ends_early_is_refused_m04(length: int) -> None:
    for instruction in (True, False):
        reason = refused(SHOWN, SHOWN[:length], instruction=instruction)
        assert "restarts the answer" in reason


def test_a_line_like_the_first_is_no_restart_m04() -> None:
    partial = "INFO worker-1 handled 100 jobs in 348 ms and 20 of them twice\n" * 2
    rest = "INFO worker-2 handled 100 jobs in 349 ms and 10 of them twice\n"

    assert shown(partial, rest, instruction=False) == rest


def test_another_beginning_is_no_restart_m04() -> None:
    partial = "A turnout lets a train take another line. It is here, as the sta"
    rest = "And " * 20

    assert shown(partial, rest, instruction=False) == rest
    partial = (
        "A turnout lets a train take another line " * 3 + "and so on with \nall of "
    )
    assert shown(partial, "A b" * 30, instruction=False) == "A b" * 30


# Openings.


@pytest.mark.parametrize(
    "opening",
    [
        "Certainly! ",
        "Okay. ",
        "Sorry for the interruption. ",
        "I apologize for that. Continuing:\n\n",
        "Got it. Here goes: ",
        "Natürlich, hier geht es weiter:\n\n",
        "Bien sûr ! Voici la suite :\n",
        "Claro, continúo: ",
        "Конечно! Продолжаю: ",
        "好的，继续：\n\n",
    ],
)
@pytest.mark.parametrize("rest", ["wn fox runs", ", and so on", " fox runs"])
def test_an_opening_in_the_middle_of_a_word_is_dropped(opening: str, rest: str) -> None:
    assert shown("the quick bro", opening + rest, join="unverified") == rest


@pytest.mark.parametrize(
    ("partial", "opening", "rest"),
    [
        pytest.param(
            "It is made of ", "Understood. ", "iron and wood", id="after a space"
        ),
        pytest.param("is, ", "Right. ", "as I said", id="after a comma"),
        pytest.param("2, 3, 5, ", "Got it. ", "7, 11", id="numbers"),
        pytest.param("in 18", "Okay. ", "89 it was", id="in a number"),
        pytest.param("is `cod", "Okay. ", "` or so", id="before a quote's end"),
        pytest.param("<li", "Okay. Here:\n\n", ">One", id="before a bracket"),
        pytest.param("the NA", "Okay. ", "SA people", id="in capitals"),
        pytest.param("like this", "Okay:\n\n", "\n\nNext", id="before a paragraph"),
        pytest.param("like this", "Okay. ", "\n\nNext", id="before lines"),
        pytest.param("| a |", "Okay. Go:\n\n", " b | c", id="before a cell"),
        pytest.param("水煮开以", "Okay. ", "后慢慢搅拌", id="in Chinese"),
        pytest.param("रेल क", "Okay. ", "ी पटरी", id="in Hindi"),
        pytest.param("at\n10:21;3", "Okay. Go:\n", "\n10:22;4", id="before a line"),
        pytest.param("| no", "\u2026", " | yes", id="dots before a cell"),
        pytest.param("the qui", "...", "ck fox", id="dots"),
        pytest.param("the qui", "\u2026", "ck fox", id="one sign for dots"),
        pytest.param("the fox", "\u2026", ", that is", id="dots and a comma"),
        pytest.param("the", "... ", " fox", id="dots and two spaces"),
        pytest.param("the ", "...", "fox", id="dots after a space"),
    ],
)
def test_an_opening_is_dropped_if_the_sentence_continues(
    partial: str, opening: str, rest: str
) -> None:
    assert shown(partial, opening + rest) == rest


def test_words_of_the_answer_are_not_an_opening() -> None:
    partial = "It stands in"

    seen = shown(partial, "Certainly!  this order: base, middle, top.")
    assert seen == " this order: base, middle, top."


@pytest.mark.parametrize(
    "text",
    [
        "Sure. " * 60,
        "Sure." + "x" * 200,
        "The value (of a) is so. and",
        "Sure.thing",
        "Sure. ",
    ],
)
def test_text_that_is_not_a_sentence_is_not_an_opening(text: str) -> None:
    assert shown("the quick ", text) == text


def test_an_opening_is_recognized_only_after_an_instruction() -> None:
    text = "wn. Sure, continuing: fox"

    assert shown("the quick bro", text, instruction=False) == text


def test_a_repeated_fence_in_a_code_block_is_dropped() -> None:
    partial = "Do:\n\n```python\nprint("

    for fence in ("```\n", "```python\n", "~~~py\r\n"):
        assert shown(partial, fence + "1)\n```\n") == "1)\n```\n"
    assert shown("Do:\n\n```sh\n", "```sh\nls\n```\n") == "ls\n```\n"
    assert shown("Do:\n\n```sh\n", "```\nls\n```\n") == "ls\n```\n"
    assert shown("Do:\n\n```sh\nls\n", "```sh\npwd\n```\n") == "pwd\n```\n"


def test_a_code_block_around_the_rest_is_dropped() -> None:
    partial = "The quick bro"

    assert shown(partial, "```\nwn fox.\n```") == "wn fox."
    assert shown(partial, "```text\nwn fox.\n\n```\n") == "wn fox.\n"
    assert shown(partial, "```\nwn:\n\n```sh\nls\n```\n```") == (
        "wn:\n\n```sh\nls\n```"
    )
    assert shown(partial, "```\nwn fox.") == "wn fox."


# Another answer.


@pytest.mark.parametrize("instruction", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "Rome was not built in a day. Nor was any other city.",
        "Hello! How can I help you today?",
        "## Summary\n\n* Nothing was lost.",
        "# Answer\n\nThere are three ways.",
        "**Short answer:** it depends on the weather.",
        "**Answer**\n\nThere are three.",
        "```json\n{}\n```\n",
        "`git rebase` takes the commits of your branch",
        "1. Open the settings of the router.",
        "- First of all check the cable.",
        "Die Antwort hängt davon ab, was du meinst.",
        "Ответ зависит от того, что вы имеете в виду.",
        "很抱歉，我没有看到之前的内容。",
        "I cannot see any earlier message.",
    ],
)
def test_a_new_answer_in_the_middle_of_a_word_is_refused(
    instruction: bool, text: str
) -> None:
    reason = refused(
        "the quick brown fox jumps over the la", text, instruction=instruction
    )

    assert "new answer in the middle of a word" in reason


@pytest.mark.parametrize(
    "text",
    [
        "Rome.",
        "Rome and\nCarthage were cities",
        "Rome Paris London Oslo Bern",
        "K_X is one of the names",
        "(see the page of the town)",
        "x is one of the names",
    ],
)
def test_a_capital_letter_is_not_a_new_answer(text: str) -> None:
    partial = "the myClass of the fox jumps over the la"

    for instruction in (True, False):
        assert shown(partial, text, instruction=instruction) == text


def test_a_script_of_the_answer_is_not_a_new_answer() -> None:
    partial = "The word 水 means wa"

    assert shown(partial, "水，是这样的意思吗？") == "水，是这样的意思吗？"
    assert shown("水，是", "这样", instruction=False) == "这样"
    assert shown("先端の", "トング", instruction=False) == "トング"
    assert shown("先端のトングレ", "ール", instruction=False) == "ール"
