from __future__ import annotations

from decimal import Decimal

import pytest

from turnout.cli._usage import usage_line
from turnout.types import Attempt, Reply, Target, Usage

TARGET = Target("P", "m")


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        (None, "no tokens were reported, 1.3 s"),
        (
            Usage(input_tokens=12345, output_tokens=6),
            "12,345 input tokens, 6 output tokens, 1.3 s",
        ),
        (
            Usage(
                input_tokens=9, cached_tokens=4, output_tokens=6, reasoning_tokens=5,
                estimated=True,
            ),
            "about 9 input tokens (4 cached), about 6 output tokens (5 reasoning), "
            "1.3 s",
        ),
        (Usage(output_tokens=1), "1 output token, 1.3 s"),
        (
            Usage(cost=Decimal("0.000012345")),
            "no tokens were reported, US$ 0.0000123, 1.3 s",
        ),
        (Usage(cost=Decimal("120")), "no tokens were reported, US$ 120, 1.3 s"),
    ],
)  # fmt: skip
def test_a_line_says_what_is_known(usage: Usage | None, line: str) -> None:
    attempt = Attempt(target=TARGET, outcome="complete", usage=usage)
    reply = Reply(text="x", usage=usage, target=TARGET, attempts=(attempt,))

    assert usage_line(reply, 1.26) == f"Usage: {line}"
