"""Citations of an answer, from the protocol's form. No I/O.

Source: the types `CitationCharLocation`, `CitationPageLocation`,
`CitationContentBlockLocation`, `CitationsWebSearchResultLocation` and
`CitationsSearchResultLocation` of Anthropic's SDK 2.14.0; read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Mapping

from turnout.types import Citation

__all__ = ["citation_of"]

_WEB = ("https://", "http://")


def citation_of(value: Mapping[str, object], start: int, end: int) -> Citation:
    """Return a citation of any type, also of one that is not known yet.

    Args:
        value: The citation in the protocol's form.
        start: The position in the answer's text at which the block with it begins.
        end: The position at which that block ends.
    """
    url = _text(value, "url")
    source = _text(value, "file_id") or _text(value, "source")
    if url is None and source is not None and source.startswith(_WEB):
        # A search result of the caller's own may be named by its address.
        url, source = source, None
    index = value.get("document_index")
    if source is None and isinstance(index, int):
        source = str(index)
    return Citation(
        url=url,
        title=_text(value, "title") or _text(value, "document_title"),
        cited_text=_text(value, "cited_text"),
        start=start,
        end=end,
        source=source,
        item=value,
    )


def _text(value: Mapping[str, object], name: str) -> str | None:
    text = value.get(name)
    return text if isinstance(text, str) else None
