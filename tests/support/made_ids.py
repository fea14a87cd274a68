"""What stands for the ids that a provider makes, which are at random."""

from __future__ import annotations

import re
from typing import cast

from typing_extensions import override


class _Made:
    """Equal to any id of the form that OpenAI's family makes."""

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(re.fullmatch("[0-9a-f]{9}", other))

    @override
    def __hash__(self) -> int:
        return 0


MADE = cast("str", _Made())
"""Compare an id with it: `delta.id == MADE`."""
