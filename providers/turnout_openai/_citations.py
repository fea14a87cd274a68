"""The sources that an answer names, as services of chat completions write them. No I/O.

| service | form |
|---|---|
| OpenAI, OpenRouter, LiteLLM | `annotations` of the type `url_citation`, nested |
| others | the same with its fields beside `type`; `file_citation` |
| xAI, Perplexity | `citations` beside `choices`, a list of URLs |
| Perplexity | `search_results` beside `choices`, the same URLs with titles |
| Mistral | blocks of content of the types `reference` and `tool_reference` |

Source: the services' pages and SDKs; answers recorded in pydantic-ai's test_openrouter
and in vercel/ai's fixtures for Perplexity (ed857f50f1), read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from turnout.types import Citation
from turnout_openai._forms import listed, object_in

__all__ = ["citation_of", "citations_in"]

_SOURCES = ("filename", "file_id", "document_name", "document_id", "source")
_QUOTES = ("cited_text", "quote", "content", "snippet")

# An annotation of these types is about what was sent, and supports nothing.
_NO_CITATIONS = frozenset({"file", "file_path"})


def citation_of(value: object, offset: int = 0) -> Citation | None:
    """Return the citation in an annotation or a URL; None if it has no source.

    Args:
        value: In any of the forms above.
        offset: Where the text begins that its positions count from.
    """
    if isinstance(value, str):
        return Citation(url=value) if value else None
    item = object_in(value)
    kind = str(item.get("type"))
    if kind in _NO_CITATIONS:
        return None
    fields = object_in(item.get(kind)) or item
    url = _text(fields, ("url", "uri"))
    source = _text(fields, _SOURCES)
    if not url and not source:
        return None
    start, end = _span(fields, offset)
    return Citation(
        url=url,
        title=_text(fields, ("title",)),
        cited_text=_text(fields, _QUOTES),
        start=start,
        end=end,
        source=None if url else source,
        item=item,
    )


def citations_in(block: dict[str, Any]) -> Iterator[Citation]:
    """Yield the citation in a block of content, or one for each of its ids."""
    ids = listed(block.get("reference_ids"))
    for name in ids:
        yield Citation(source=str(name), item=block)
    if not ids:
        yield citation_of(block) or Citation(item=block)


def _text(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    found = (fields.get(name) for name in names)
    return next((text for text in found if isinstance(text, str) and text), None)


def _span(fields: dict[str, Any], offset: int) -> tuple[int | None, int | None]:
    """Return where the supported text begins and ends; OpenRouter sends 0 and 0."""
    start, end = fields.get("start_index"), fields.get("end_index")
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        return None, None
    return start + offset, end + offset
