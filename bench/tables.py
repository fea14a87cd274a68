"""The tables, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from bench.cases import FIRST_DELTA_MS, SIDE_BY_SIDE, STREAM_KIB, budget_of
from bench.clients import ADAPTERS, BARE, RAW, TURNOUT
from bench.rounds import Measured


def number(value: float) -> str:
    """Return a figure with three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Return a table whose first columns are texts, and the others figures."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def told_ratio(ratios: Sequence[float]) -> str:
    """Return the median, and the quartiles where there are enough for them."""
    middle = f"{statistics.median(ratios):.2f}"
    if len(ratios) < 4:
        return middle
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{middle} ({low:.2f}-{high:.2f})"


def met(ratio: float, budget: float | None) -> tuple[str, str]:
    """Return a budget, and whether it is met."""
    if budget is None:
        return "", ""
    return f"{budget:.2f}", "yes" if ratio <= budget else "**no**"


def of_case(measured: Sequence[Measured]) -> str:
    """Return the table of a case, of all its protocols."""
    one = measured[0]
    several = len(measured) > 1
    unit = f"{one.unit}, median"
    head = ["protocol"] * several + ["client", unit, "ratio", "budget", "met"]
    rows: list[list[str]] = []
    for each in measured:
        for client in each.clients:
            ratios = each.ratios(client)
            budget = budget_of(each.case, each.protocol, client)
            rows.append(
                [each.protocol] * several
                + [client, number(statistics.median(each.values(client)))]
                + [told_ratio(ratios), *met(statistics.median(ratios), budget)]
            )
    return f"### {one.title}\n\n{table(head, rows, 1 + several)}\n"


def of_open(measured: Measured) -> str:
    """Return the table of streams that were open at once."""
    base = measured.first_delta(BARE, 99)
    rows: list[list[str]] = []
    for client in measured.clients:
        ratios = measured.ratios(client)
        late = measured.first_delta(client, 99)
        memory = measured.bytes_each(client)
        budget = budget_of(measured.case, measured.protocol, client)
        verdict = ""
        if budget is not None:
            good = [
                statistics.median(ratios) <= budget,
                (late - base) * 1000 <= FIRST_DELTA_MS,
                memory is not None and memory / 1024 <= STREAM_KIB,
            ]
            verdict = "yes" if all(good) else "**no**"
        rows.append(
            [
                client,
                number(statistics.median(measured.values(client))),
                told_ratio(ratios),
                "" if budget is None else f"{budget:.2f}",
                number(measured.first_delta(client, 50) * 1000),
                number(late * 1000),
                f"{(late - base) * 1000:+,.0f}",
                "-" if memory is None else number(memory / 1024),
                verdict,
            ]
        )
    head = (
        *("client", "CPU s", "ratio", "budget", "first delta, p50 ms", "p99 ms"),
        *("p99 beside bare", "KiB a stream", "met"),
    )
    return f"### {measured.title}\n\n{table(head, rows)}\n"


def of_upstream(measured: Sequence[Measured]) -> str:
    """Return the table that shows the upstream beside the fastest client."""
    rows: list[list[str]] = []
    for each in measured:
        fastest = RAW if RAW in each.clients else TURNOUT
        mine = statistics.median(each.values(fastest))
        theirs = statistics.median(each.upstream(fastest))
        clock = statistics.median(each.elapsed(fastest))
        pace = "" if each.unit == "CPU s" else f"{1e6 / clock:,.0f}"
        rows.append(
            [
                f"{each.protocol}: {each.title}",
                fastest,
                f"{number(mine)} {each.unit.removeprefix('CPU ')}",
                number(theirs),
                f"{theirs / mine:.2f}",
                f"{theirs / clock:.0%}",
                pace,
            ]
        )
    head = (
        *("case", "fastest client", "its CPU", "upstream's CPU", "ratio"),
        *("of a core", "a second, by the clock"),
    )
    return f"### The upstream\n\n{table(head, rows, 2)}\n"


def side_by_side(measured: Sequence[Measured], versions: Mapping[str, str]) -> str:
    """Return the table with a column for each client."""
    shown = [each for each in measured if each.protocol == SIDE_BY_SIDE]
    measured_ones = {name for each in shown for name in each.clients}
    clients = [name for name in ADAPTERS if name in measured_ones]
    rows: list[list[str]] = []
    for each in shown:
        cells = [
            number(statistics.median(each.values(client)))
            if client in each.clients
            else "-"
            for client in clients
        ]
        rows.append([f"{each.title}, {each.unit}", *cells])
        if any(figures.first_deltas for figures in each.rounds[0].values()):
            memory = {client: each.bytes_each(client) for client in each.clients}
            sizes = [memory.get(client) for client in clients]
            cells = ["-" if x is None else number(x / 1024) for x in sizes]
            rows.append(["its memory, KiB a stream", *cells])
    names = [f"{name} {versions.get(name, '')}".strip() for name in clients]
    return f"### Side by side\n\n{table(['', *names], rows)}\n"


def times_cheaper(measured: Sequence[Measured], case: str) -> str:
    """Return how many times cheaper turnout is than each peer, of the medians."""
    for each in measured:
        if each.case == case and each.protocol == SIDE_BY_SIDE:
            mine = statistics.median(each.values(TURNOUT))
            peers = [
                c for c in each.clients if c not in {BARE, RAW} and c[:7] != TURNOUT
            ]
            ratios = [
                f"{statistics.median(each.values(name)) / mine:.0f} than {name}"
                for name in peers
            ]
            return ", ".join(ratios)
    return ""
