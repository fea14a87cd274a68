"""The capabilities that an engine claims, tested on the engine itself."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from turnout.errors import InvalidReplyError, ProviderError, UnsupportedError
from turnout.testing._contract._limits import run_clean
from turnout.testing._contract._setting import QUESTION, Setting
from turnout.types import (
    Conversation,
    FilePart,
    ImagePart,
    Message,
    Reply,
    Tool,
)

__all__ = ["Claims"]

_PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAA"
    "SUVORK5CYII="
)
_IMAGE = ImagePart(data=_PIXEL, media_type="image/png")
_FILE = FilePart(data=b"canary", media_type="text/plain", filename="canary.txt")

_SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}

_CLAIMS: dict[str, tuple[Conversation, Mapping[str, Any]]] = {
    "history": ([QUESTION, Message(role="assistant", content="So."), QUESTION], {}),
    "system": ([Message(role="system", content="Be brief."), QUESTION], {}),
    "temperature": (QUESTION, {"temperature": 0.5}),
    "max_tokens": (QUESTION, {"max_tokens": 5}),
    "top_p": (QUESTION, {"top_p": 0.9}),
    "stop": (QUESTION, {"stop": ["canary"]}),
    "seed": (QUESTION, {"seed": 7}),
    "tools": (QUESTION, {"tools": [Tool(name="canary_tool")]}),
    "images": (Message(role="user", content=(_IMAGE,)), {}),
    "files": (Message(role="user", content=(_FILE,)), {}),
}
"""Requests that need a field of `Capabilities`."""


class Claims(Setting):
    """Each claimed capability works."""

    @pytest.mark.parametrize("claim", _CLAIMS)
    def test_what_it_claims_is_not_refused(self, claim: str) -> None:
        self.needs(claim)
        messages, options = _CLAIMS[claim]

        # It may refuse the values of the test for other reasons.
        with suppress(ProviderError):
            try:
                self._reply(messages, **options)
            except UnsupportedError as error:
                pytest.fail(f"{claim} is claimed, but refused: {error}")

    def test_a_limit_of_tokens_ends_an_answer(self) -> None:
        self.needs("max_tokens")
        whole = self._words()

        cut = self._reply(QUESTION, **{**self._steady, "max_tokens": 1})

        assert len(cut.text.split()) < len(whole), "max_tokens=1 makes no difference"

    def test_a_stop_sequence_ends_an_answer(self) -> None:
        self.needs("stop")
        words = self._words()
        stop = words[len(words) // 2]

        text = self._reply(QUESTION, stop=[stop], **self._steady).text

        assert stop not in text, f"stop={[stop]!r} makes no difference"

    def test_a_seed_gives_the_same_answer_again(self) -> None:
        self.needs("seed")

        first, again = (
            self._reply(QUESTION, **{**self._steady, "seed": 4711}).text
            for _ in range(2)
        )

        assert first == again, "two answers with the same seed differ"

    def test_an_answer_is_bound_to_a_schema(self) -> None:
        self.needs("response_format")
        limit = {"max_tokens": 200} if self.claims("max_tokens") else {}

        try:
            reply = self._reply(QUESTION, response_format=_SCHEMA, **limit)
        except InvalidReplyError as error:
            pytest.fail(f"response_format is claimed, but ignored: {error}")

        assert isinstance(reply.parsed, Mapping)

    @property
    def _steady(self) -> dict[str, Any]:
        """Options that make two answers equal, if they are claimed."""
        wanted = {"seed": 4711, "temperature": 0}
        return {name: value for name, value in wanted.items() if self.claims(name)}

    def _words(self) -> list[str]:
        """Return the words of an answer; skip the test if they are too few."""
        __tracebackhide__ = True
        words = self._reply(QUESTION, **self._steady).text.split()
        if len(words) < 3:
            self.skip(f"the answer {' '.join(words)!r} has fewer than three words")
        return words

    def _reply(self, messages: Conversation, **options: Any) -> Reply:
        async def main() -> Reply:
            async with self.answering() as provider:
                asked = self.asked(allow_empty=True, **options)
                return await provider.complete(messages, **asked)

        return run_clean(main)
