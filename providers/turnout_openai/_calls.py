"""The increments of tool calls, as chat completions tell them."""

from __future__ import annotations

from turnout.decoding import as_mapping, as_text
from turnout.types import ToolCallDelta

__all__ = ["Calls"]


class Calls:
    """Tell which tool call an increment belongs to, where the service does not."""

    __slots__ = ("_ids", "_names")

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}
        self._names: dict[int, str] = {}

    @property
    def any(self) -> bool:
        """Whether there was a call."""
        return bool(self._ids)

    def read(self, call: object) -> ToolCallDelta:
        """Return an increment of a call.

        Raises:
            OddEventError: It is not of the protocol.
        """
        fields = as_mapping(call, "a tool call")
        function = as_mapping(fields.get("function") or {}, "function")
        call_id = as_text(fields.get("id") or "", "id")
        name = as_text(function.get("name") or "", "name")
        index = fields.get("index")
        if not isinstance(index, int):
            index = self._index(call_id, name)
        # Some services give the id with every increment.
        known = self._ids.get(index) == call_id
        if call_id or index not in self._ids:
            self._ids[index] = call_id
        return ToolCallDelta(
            index=index,
            id=None if known else call_id or None,
            name=self._name(index, name) if name else None,
            arguments=as_text(function.get("arguments") or "", "arguments"),
        )

    def _name(self, index: int, name: str) -> str | None:
        """Return a call's name, once: some services send it again, or in pieces."""
        known = self._names.get(index, "")
        if name == known:
            return None
        whole = name if name.startswith(known) else known + name
        self._names[index] = whole
        return whole

    def _index(self, call_id: str, name: str) -> int:
        """Return the index of a call without one: by its id, else by its name."""
        for index, known in self._ids.items():
            if call_id and known == call_id:
                return index
        if call_id or name or not self._ids:
            return max(self._ids, default=-1) + 1
        return max(self._ids)
