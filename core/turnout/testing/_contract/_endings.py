"""Truncated answers: none of them may count as complete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from turnout.errors import (
    PluginError,
    ProviderError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.testing._contract._oddities import oddities
from turnout.testing._contract._outcomes import failures, outcomes
from turnout.testing._contract._setting import ServiceSetting
from turnout.testing._responses import CHUNKED, chunked, response_head
from turnout.testing._steps import (
    Step,
    chunk,
    fin,
    last_chunk,
    rst,
    send,
    wait_request,
)
from turnout.testing._wire import WireAnswer, text_of
from turnout.types import Reply

__all__ = ["Endings"]

_MOST_CUTS = 1000
"""At most this many cuts of a long answer are tested, evenly spaced."""


class Endings(ServiceSetting):
    """Completeness: an answer is complete with its own end, and never without it."""

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the ways to end a connection too."""
        return {**super().parameters(), "ending": {"fin": fin(), "rst": rst()}}

    def odd_bodies(self, answer: WireAnswer) -> Sequence[bytes]:
        """Return bodies of an answer in which one value has another type.

        Override it for other framing, with the values of `oddities`.
        """
        return oddities(answer.body)

    def test_an_answer_cut_after_any_piece_is_no_whole_one(
        self, answer: WireAnswer, ending: Step
    ) -> None:
        counts = range(1, len(answer.pieces) + 1)
        scripts = [
            self.streaming(*map(chunk, answer.begin(count)), ending) for count in counts
        ]

        errors = failures(self, scripts, **answer.request)

        for count, error in zip(counts, errors, strict=True):
            assert isinstance(error, StreamTruncatedError), count
            assert error.reply is not None
            assert error.reply.text == text_of(answer.events(count))

    def test_an_answer_cut_at_any_byte_is_no_whole_one(self, ending: Step) -> None:
        answer = min(self.answers, key=lambda answer: len(answer.body))
        head = response_head(200, ("Content-Type", self.content_type), CHUNKED)
        wire = head + chunked(*answer.begin(len(answer.pieces)), answer.end)
        before_end = len(wire) - len(chunked(answer.end)) if answer.end else len(wire)
        cuts = range(1, len(wire), -(-len(wire) // _MOST_CUTS))
        scripts = [[wait_request(), send(wire[:cut]), ending] for cut in cuts]

        _check_ends(
            zip(cuts, outcomes(self, scripts, **answer.request), strict=True),
            answer,
            before_end,
        )

    def test_an_answer_without_its_last_word_is_no_whole_one(
        self, answer: WireAnswer
    ) -> None:
        if not answer.end:
            self.skip("the answer has no `end`: the end of its body is its own")
        counts = range(1, len(answer.pieces) + 1)
        scripts = [
            self.streaming(*map(chunk, answer.begin(count)), last_chunk())
            for count in counts
        ]

        for error in failures(self, scripts, **answer.request):
            assert isinstance(error, StreamTruncatedError)

    def test_nothing_is_no_answer(self) -> None:
        bodies = [b"", self.filler, b" ", b"\n\n", self.text_answer.end]
        scripts = [
            self.streaming(*([chunk(b)] if b else []), last_chunk()) for b in bodies
        ]

        for error in failures(self, scripts):
            assert isinstance(error, ProviderError)

    def test_what_is_not_of_the_protocol_is_no_answer(self) -> None:
        page = b"<!DOCTYPE html><html><title>Welcome</title></html>"
        bodies = [page, b"null\n", b"[1]\n", b'{"a": \n', b"\xff\xfe\x00\n", b"hello\n"]
        scripts = [self.streaming(chunk(body), last_chunk()) for body in bodies]

        for error in failures(self, scripts):
            assert isinstance(error, ProviderError)

    def test_an_odd_value_is_no_fault_of_the_plugin(self, answer: WireAnswer) -> None:
        bodies = self.odd_bodies(answer)
        if not bodies:
            self.skip("the answer has no lines of JSON to change; write odd_bodies")
        scripts = [self.streaming(chunk(body), last_chunk()) for body in bodies]

        ends = outcomes(self, scripts, **answer.request)

        for body, ended in zip(bodies, ends, strict=True):
            assert not isinstance(ended, PluginError), (
                f"{body!r} raised {ended.__cause__!r}; check the type of a value "
                "before it is used, and raise ProtocolError (in a decoder "
                "OddEventError) if it is wrong"
            )


def _check_ends(
    ends: Iterable[tuple[int, Reply | TurnoutError]],
    answer: WireAnswer,
    before_end: int,
) -> None:
    """Check that an answer is an error unless it was cut within its end.

    Args:
        ends: The results, by the byte at which the answer was cut.
        answer: The answer that was cut.
        before_end: The first byte of its end.
    """
    for cut, ended in ends:
        if isinstance(ended, Reply):
            assert cut >= before_end, f"the answer is complete after only {cut} bytes"
            assert ended.text == answer.text
        else:
            assert isinstance(ended, ProviderError)
