"""The increments of tool calls, as chat completions tell them."""

from __future__ import annotations

from turnout.decoding import as_mapping, as_text
from turnout.types import ToolCallDelta

__all__ = ["Calls", "made_id"]


class Calls:
    """Tell which tool call an increment belongs to, where the service does not."""

    __slots__ = ("_at", "_calls", "_named")

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        """The last one that has a service's index."""
        self._named: dict[str, _Call] = {}
        """The first one that has a service's id."""

    @property
    def any(self) -> bool:
        """Whether there was a call."""
        return bool(self._calls)

    def read(self, call: object) -> ToolCallDelta:
        """Return an increment of a call; where it is its first, with an id.

        Raises:
            OddEventError: It is not of the protocol.
        """
        fields = as_mapping(call, "a tool call")
        function = as_mapping(fields.get("function") or {}, "function")
        given = as_text(fields.get("id") or "", "id")
        name = as_text(function.get("name") or "", "name")
        index = fields.get("index")
        call_id = None
        one = self._found(index, given, name)
        if one is None:
            one = self._begun(index, given)
            call_id = given or made_id()
        return ToolCallDelta(
            index=one.index,
            id=call_id,
            name=one.told(name),
            arguments=as_text(function.get("arguments") or "", "arguments"),
        )

    def _found(self, index: object, given: str, name: str) -> _Call | None:
        """Return the call that goes on; None where another begins."""
        if isinstance(index, int):
            one = self._at.get(index)
            # Servers of vLLM and SGLang, and bridges from other protocols, gave all
            # calls the same index (lmdeploy's issue 3412). An id alone begins none:
            # there are services that send another with each increment.
            another = one is not None and one.id and name and given not in {"", one.id}
            return None if another else one
        if given:
            return self._named.get(given)
        return None if name or not self._calls else self._calls[-1]

    def _begun(self, index: object, given: str) -> _Call:
        one = _Call(len(self._calls), given)
        self._calls.append(one)
        if given:
            self._named.setdefault(given, one)
        self._at[index if isinstance(index, int) else one.index] = one
        return one


class _Call:
    """A tool call under way."""

    __slots__ = ("id", "index", "name")

    def __init__(self, index: int, given: str) -> None:
        self.index = index
        self.id = given
        """The service's own; empty where it gave none."""
        self.name = ""

    def told(self, name: str) -> str | None:
        """Return the name, once: some services send it again, or in pieces."""
        if not name or name == self.name:
            return None
        self.name = name if name.startswith(self.name) else self.name + name
        return self.name


def made_id() -> str:
    """Return an id for a call that has none, as each is answered by its id.

    At random, since a conversation may have the calls of many answers. It has the form
    that Mistral wants, which is the strictest.
    """
    import secrets

    return secrets.token_hex(5)[:9]
