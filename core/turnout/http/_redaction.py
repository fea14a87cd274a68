"""Take secrets out of what a provider said, before anybody sees it.

A provider may echo the key that it refused, or part of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from turnout.types import Secret

__all__ = ["redacted"]

_SHORTEST = 8
"""A secret shorter than this is not looked for: it would match by chance."""

_PATTERNS = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi)[-_][\w-]{8,}   # keys that many vendors give out
    | \bAIza[\w-]{10,}                                 # Google's
    | \bBearer\s+[^\s"',;]+
    | \beyJ[\w-]+\.[\w-]+\.[\w-]*                      # JSON web tokens
    | \b(?:api[-_]?)?key=[^\s&"']+
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redacted(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return `text` with `***` for each secret, in any form, and what looks like one.

    Args:
        text: What a provider said.
        secrets: The credentials that were sent to it.
    """
    for secret in secrets:
        value = secret.reveal()
        # A prefix such as `Bearer ` may have been put before the key itself. The whole
        # goes first: it could not be found any more without a part.
        for form in (value, value.rpartition(" ")[2]):
            if len(form) >= _SHORTEST:
                text = _without(text, form)
    return _PATTERNS.sub("***", text)


def _without(text: str, value: str) -> str:
    # Vendors that quote a key tend to leave out its end, or all but its end.
    forms = {value, quote(value, safe=""), json.dumps(value)[1:-1], value[:-4]}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text
