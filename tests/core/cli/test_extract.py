from __future__ import annotations

import pytest

from turnout.cli._extract import first_code_block


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("```\na\n```", "a", id="alone"),
        pytest.param("So:\n```py x\na\n\n b\n```\n```\nc\n```", "a\n\n b", id="two"),
        pytest.param("~~~ `sh`\na\n~~~~", "a", id="tildes"),
        pytest.param("````md\n```\na\n```\n````", "```\na\n```", id="a fence inside"),
        pytest.param("```\n~~~\n```", "~~~", id="another fence inside"),
        pytest.param("1. x\n   ```\n   a\n     b\n c\n   ```", "a\n  b\nc", id="list"),
        pytest.param("- ```sh\n  a\n  ```", "a", id="after a bullet"),
        pytest.param("```\r\na\r\nb\r\n```\r\n", "a\nb", id="CRLF"),
        pytest.param("```\n```", "", id="empty"),
        pytest.param("```a``` b\n```\nc\n```", "c", id="code in a line"),
        pytest.param("```\na", None, id="not closed"),
        pytest.param("```\na\n``", None, id="closed by less"),
        pytest.param("    a\n\n`b`", None, id="no fence"),
        pytest.param("", None, id="nothing"),
    ],
)  # fmt: skip
def test_the_first_code_block_is_found(text: str, code: str | None) -> None:
    assert first_code_block(text) == code
