"""How single vendors' answers depart from OpenAI's chat completions. No I/O.

Here is what would be wrong at other addresses. What any server may send is read in
`_parts` and `_calls`, and what a row can say is in `_vendors`.
"""

from __future__ import annotations

import json
from typing import Any, cast

from turnout.types import Event
from turnout_openai._protocol import Decoder

__all__ = ["GroqDecoder"]


class GroqDecoder(Decoder):
    """Groq's decoder: `x_groq` has the reason why Groq stopped an answer early.

    Source: Groq's SDK 1.7.0 and its page of errors, read 2026-11-22.
    """

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read chunks up to an error of Groq's own.

        Raises:
            OddEventError: As the protocol's own.
        """
        for index, data in enumerate(datas):
            # It is in the first chunk and the last one: the others are read once.
            if b'"x_groq"' not in data:
                continue
            groq = self._groq(data)
            if groq.get("usage"):
                self._count(groq["usage"])
            if groq.get("error"):
                super().read(datas[: index + 1], events)
                if self.reported is None:
                    self.report(json.dumps({"error": groq["error"]}).encode())
                return
        super().read(datas, events)

    def _groq(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = self.from_json(data)
        except ValueError:
            chunk = self.read_leniently(data)
        fields = cast("dict[str, Any]", chunk) if isinstance(chunk, dict) else {}
        groq = fields.get("x_groq")
        # Invalid JSON is reported where all chunks are read.
        return cast("dict[str, Any]", groq) if isinstance(groq, dict) else {}
