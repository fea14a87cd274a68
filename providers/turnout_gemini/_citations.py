"""The sources of an answer: from the service's metadata to citations.

What is not of the protocol is passed over: it stays in the details.

Source: google-genai 3.6.1, `types.GroundingMetadata`, `types.Segment`,
`types.CitationMetadata` and `types.UrlContextMetadata`, read 2026-11-30.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeAlias, TypeGuard, cast

from turnout.types import Citation

__all__ = ["citations"]

_Fields: TypeAlias = Mapping[str, Any]

_NEAR = 100
"""How many characters the words of a segment may be away from its position.

Positions are off by up to ten bytes in recordings of pydantic/pydantic-ai (7 of 56, in
test_google_vertex_tool_combination_omits_include_server_side_tool_invocations and one
other), read 2026-11-30. The words are right in all of them.
"""

_NOTHING: _Fields = {}

_Span: TypeAlias = tuple[int | None, int | None]


def citations(parts: Sequence[_Fields], details: _Fields) -> list[Citation]:
    """Return the citations of an answer, each once.

    Args:
        parts: The answer's parts.
        details: The service's metadata of the answer.
    """
    text = _Text(parts)
    found = [
        *_grounding(_mapping(details.get("grounding")), text),
        *_quoted(_mapping(details.get("citations")), text),
    ]
    cited = {citation.url for citation in found}
    fetched = _fetched(_mapping(details.get("url_context")))
    found += (each for each in fetched if each.url not in cited)
    unique: dict[object, Citation] = {}
    for each in found:
        unique.setdefault(_key(each), each)
    return list(unique.values())


def _key(citation: Citation) -> object:
    return (
        citation.url,
        citation.title,
        citation.cited_text,
        citation.start,
        citation.end,
        citation.source,
    )


def _grounding(metadata: _Fields, text: _Text) -> Iterator[Citation]:
    """Yield a citation for each source of each segment, then the other sources."""
    chunks = _list(metadata.get("groundingChunks"))
    rest = dict.fromkeys(range(len(chunks)))
    for support in _mappings(metadata, "groundingSupports"):
        span = text.span(_mapping(support.get("segment")))
        for index in _list(support.get("groundingChunkIndices")):
            if _is_index(index) and index < len(chunks):
                rest.pop(index, None)
                yield _source(_mapping(chunks[index]), span, support)
    for index in rest:
        yield _source(_mapping(chunks[index]))


def _source(
    chunk: _Fields, span: _Span = (None, None), support: _Fields | None = None
) -> Citation:
    # A chunk has one object, whose name says what it is of: `web`, `maps`.
    sources = [_mapping(value) for value in chunk.values()]
    source = next((each for each in sources if each), _NOTHING)
    item: dict[str, object] = {"groundingChunk": chunk}
    if support is not None:
        item["groundingSupport"] = support
    return Citation(
        url=_text(source, "uri", "sourceUri", "imageUri"),
        title=_text(source, "title"),
        cited_text=_text(source, "text"),
        source=_text(source, "documentName", "fileSearchStore", "placeId"),
        start=span[0],
        end=span[1],
        item=item,
    )


def _quoted(metadata: _Fields, text: _Text) -> Iterator[Citation]:
    """Yield a citation for each verbatim quotation of a source.

    The list is `citationSources` in the Gemini API, and `citations` in Vertex AI.
    """
    for name in ("citationSources", "citations"):
        for source in _mappings(metadata, name):
            start, end = text.span(source)
            url, title = _text(source, "uri"), _text(source, "title")
            yield Citation(url=url, title=title, start=start, end=end, item=source)


def _fetched(metadata: _Fields) -> Iterator[Citation]:
    """Yield the pages that the service read because the prompt names them."""
    for page in _mappings(metadata, "urlMetadata"):
        status = str(page.get("urlRetrievalStatus") or "SUCCESS")
        url = _text(page, "retrievedUrl")
        if url and status.endswith("SUCCESS"):
            yield Citation(url=url, item=page)


class _Text:
    """The text of an answer, in which positions are found that are counted in bytes.

    "Start index in the given Part, measured in bytes" (`types.Segment`). In recordings
    there is no `partIndex`, and positions count from the beginning of the answer's
    text, also if its parts before are thoughts or it came in pieces.
    """

    def __init__(self, parts: Sequence[_Fields]) -> None:
        texts = ["" if p.get("thought") else str(p.get("text") or "") for p in parts]
        # Half of a surrogate pair cannot be encoded; others are joined by this.
        whole = "".join(texts).encode("utf-16-le", "surrogatepass")
        self.text = whole.decode("utf-16-le", "replace")
        sizes = (len(each.encode("utf-8", "replace")) for each in texts)
        # Where each part begins, in bytes.
        self._starts = [0, *accumulate(sizes)]
        encoded = self.text.encode()
        # How many characters have begun up to each byte; None if it is the same number.
        self._begun: array[int] | None = None
        if len(encoded) != len(self.text):
            self._begun = array(
                "I", accumulate(byte & 0xC0 != 0x80 for byte in encoded)
            )

    def span(self, segment: _Fields) -> _Span:
        """Return where a segment begins and ends, in characters; None if not known."""
        start, end = segment.get("startIndex") or 0, segment.get("endIndex")
        if not (_is_index(start) and _is_index(end) and start <= end):
            return None, None
        part = segment.get("partIndex")
        base = self._starts[min(part, len(self._starts) - 1)] if _is_index(part) else 0
        words = _text(segment, "text")
        spans = [(self._at(at + start), self._at(at + end)) for at in {base: 0, 0: 0}]
        for first, last in spans:
            if words is None or self.text[first:last] == words:
                return first, last
        assert words is not None
        near = max(0, spans[0][0] - _NEAR)
        found = self.text.find(words, near, spans[0][0] + _NEAR + len(words))
        return spans[0] if found < 0 else (found, found + len(words))

    def _at(self, position: int) -> int:
        """Return the number of characters before a byte."""
        if self._begun is None:
            return min(position, len(self.text))
        position = min(position, len(self._begun))
        return self._begun[position - 1] if position else 0


def _is_index(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _mapping(value: object) -> _Fields:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else _NOTHING


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _mappings(fields: _Fields, name: str) -> Iterator[_Fields]:
    return (each for each in map(_mapping, _list(fields.get(name))) if each)


def _text(fields: _Fields, *names: str) -> str | None:
    """Return the first text of these names that is not empty."""
    values = (fields.get(name) for name in names)
    return next((v for v in values if v and isinstance(v, str)), None)
