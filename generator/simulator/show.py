"""What a simulation found, as text for a terminal, as JSON, and as a plot."""

from __future__ import annotations

import importlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from ..commands.common import store
from .run import Event, Outcome, PoolOutcome, Setup, SimulationError, Spread

#: Version of the JSON form.  Raised whenever a key changes its meaning or goes away.
JSON_VERSION = 2

#: What a plot can be written as, by the end of its name.
PLOTS = (".png", ".svg")

Row = tuple[str, str]


def number(value: float) -> str:
    """A number with separators; one half keeps its fraction."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _spread(value: Spread) -> str:
    low, middle, high = map(number, (value.minimum, value.median, value.maximum))
    return f"min {low}, median {middle}, max {high}"


def happened(event: Event, limit: int = 0) -> str:
    """An event in words."""
    cpu = f"CPU {event.cpu}"
    words = {
        "store": f"store {event.store} is full, the next one takes over",
        "entries": "no slot is left in any of the pool's stores",
        "reserve": "what is left is reserved for dedicated vectors",
        "cpu": f"{cpu} has no vector left, its queues share those there are",
        "cpu vectors": (
            "no CPU has a vector left" if event.cpu is None else f"{cpu} has no vector left"
        ),
        "interrupts": "the parent domain has no interrupt left",
        "cpus": "there is one vector a CPU, and no more",
        "subdevices": "there can't be more of its kind",
        "shared": f"first to share a vector with more than {limit}, or on another CPU",
        "failed": "first to get nothing",
        "dedicated": "first owner to get nothing",
    }
    return words[event.kind]


def _counted(event: Event) -> str:
    what = {"subdevices": "subdevice", "dedicated": "owner"}.get(event.kind, "queue")
    return f"{what} {number(event.number)}"


def first_of(pool: PoolOutcome) -> str:
    """What ran out first, in one line."""
    event = pool.first
    return f"{_counted(event)}: {happened(event, pool.limit)}" if event else "nothing"


# --- text ---------------------------------------------------------------------------------------


def text(outcome: Outcome) -> str:
    """The whole outcome for people.  Ends with a line feed."""
    lines = [*_heading(outcome)]
    for sub in outcome.subdevices:
        lines += ["", f"subdevice {sub.kind}: {number(sub.wanted)} wanted"]
        lines += _table(
            [
                ("created", number(sub.created)),
                ("  with fewer vectors", number(sub.fewer)),
                ("failed", number(sub.failed)),
                ("vectors of each", _spread(sub.vectors)),
            ]
        )
    for pool in outcome.pools:
        lines += ["", *_pool(pool, outcome.setup)]
    if outcome.compared:
        lines += ["", "the same pool with each policy", *_compared(outcome)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _heading(outcome: Outcome) -> Iterable[str]:
    setup = outcome.setup
    yield (
        f"{outcome.device}: {number(setup.queues)} queues, {number(setup.per_second)} a second, "
        f"on {number(setup.cpus)} CPUs with {number(setup.vectors_per_cpu)} vectors each"
    )
    if setup.interrupts is not None:
        yield f"the parent domain has {number(setup.interrupts)} interrupts for the device"


def _table(rows: Sequence[Row]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name.ljust(width)}  {value}" for name, value in rows]


def _pool(pool: PoolOutcome, setup: Setup) -> list[str]:
    stores = " + ".join(f"{part.store} {number(part.entries)}" for part in pool.parts)
    used = ", ".join(f"{part.store} {number(part.used)}" for part in pool.parts)
    what = "gets" if setup.subdevices else "queues"
    rows = [
        (what, f"{number(pool.queues)}: {number(pool.served)} served, {number(pool.failed)} not")
    ]
    if pool.limit:
        rows += [
            (f"  own CPU, up to {pool.limit}", number(pool.own_cpu)),
            (f"  more than {pool.limit} users", number(pool.over_limit)),
            ("  another CPU", number(pool.other_cpu)),
        ]
    rows.append(("vectors", f"{number(pool.vectors)} ({used})"))
    if pool.moved:
        rows.append(("  off their CPU", number(pool.moved)))
    rows.append(("vectors per CPU", _spread(pool.per_cpu)))
    if pool.idle_cpus:
        rows.append(("  CPUs without", number(pool.idle_cpus)))
    if pool.users:
        rows.append(("users per vector", _spread(pool.users)))
    if pool.dedicated_wanted:
        rows.append(
            ("dedicated", f"{number(pool.dedicated_got)} of {number(pool.dedicated_wanted)}")
        )
    rows.append(("runs out first", first_of(pool)))
    lines = [f"pool {pool.pool} = {stores}: {pool.policy}", *_table(rows)]
    if pool.events:
        width = max(len(_counted(event)) for event in pool.events)
        lines.append("  in this order")
        lines += [
            f"    {_counted(event).ljust(width)}  {happened(event, pool.limit)}"
            for event in pool.events
        ]
    return lines


def _compared(outcome: Outcome) -> list[str]:
    heads = ("policy", "served", "own CPU", "> limit", "other CPU", "vectors", "a CPU", "users")
    body = []
    for pool in outcome.compared:
        cells = (pool.served, pool.own_cpu, pool.over_limit, pool.other_cpu, pool.vectors)
        users = pool.users.maximum if pool.users else min(pool.vectors, 1)
        most = (number(pool.per_cpu.maximum), number(users))
        name = f"{pool.pool}: {pool.policy}" if len(outcome.pools) > 1 else pool.policy
        body.append((name, *map(number, cells), *most))
    widths = [max(len(row[n]) for row in (heads, *body)) for n in range(len(heads))]
    return [
        "  "
        + "  ".join(c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths)))
        for row in (heads, *body)
    ]


# --- JSON ---------------------------------------------------------------------------------------


def as_json(outcomes: Sequence[Outcome]) -> str:
    """All of it for tools.  Ends with a line feed."""
    body = {"version": JSON_VERSION, "devices": [_device(outcome) for outcome in outcomes]}
    return json.dumps(body, indent=2) + "\n"


def _device(outcome: Outcome) -> dict[str, Any]:
    setup = outcome.setup
    return {
        "device": outcome.device,
        "machine": {
            "cpus": setup.cpus,
            "vectors_per_cpu": setup.vectors_per_cpu,
            "full_cpu": setup.full_cpu.value,
            "interrupts": setup.interrupts,
        },
        "queues": setup.queues,
        "per_second": setup.per_second,
        "subdevices": [
            {
                "kind": sub.kind,
                "wanted": sub.wanted,
                "created": sub.created,
                "fewer": sub.fewer,
                "failed": sub.failed,
                "vectors": _numbers(sub.vectors),
            }
            for sub in outcome.subdevices
        ],
        "pools": [_pool_json(pool) for pool in outcome.pools],
        "compared": [_pool_json(pool) for pool in outcome.compared],
    }


def _numbers(value: Spread) -> dict[str, float]:
    return {"min": value.minimum, "median": value.median, "max": value.maximum}


def _event(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "number": event.number,
        "cpu": event.cpu,
        "store": event.store,
    }


def _pool_json(pool: PoolOutcome) -> dict[str, Any]:
    return {
        "pool": pool.pool,
        "policy": pool.policy,
        "limit": pool.limit,
        "entries": pool.entries,
        "stores": [
            {"store": part.store, "entries": part.entries, "used": part.used} for part in pool.parts
        ],
        "queues": pool.queues,
        "served": pool.served,
        "failed": pool.failed,
        "own_cpu": pool.own_cpu,
        "over_limit": pool.over_limit,
        "other_cpu": pool.other_cpu,
        "shared_full": pool.shared_full,
        "vectors": pool.vectors,
        "elsewhere": pool.elsewhere,
        "moved": pool.moved,
        "dedicated": {"wanted": pool.dedicated_wanted, "got": pool.dedicated_got},
        "vectors_per_cpu": _numbers(pool.per_cpu),
        "idle_cpus": pool.idle_cpus,
        "users_per_vector": _numbers(pool.users) if pool.users else None,
        "first": _event(pool.first) if pool.first else None,
        "events": [_event(event) for event in pool.events],
    }


# --- plot ---------------------------------------------------------------------------------------


def plot(outcomes: Sequence[Outcome], path: str) -> None:
    """Draw vectors per CPU and users per vector against the queues into a PNG or SVG file.

    Raises `SimulationError` where matplotlib is missing or the file can't be written.
    """
    drawn = [
        (outcome, pool)
        for outcome in outcomes
        for pool in (*outcome.pools, *outcome.compared)
        if pool.samples
    ]
    if not drawn:
        raise SimulationError("--plot: nothing was made that could be drawn")
    try:
        matplotlib = importlib.import_module("matplotlib")
    except ImportError:
        raise SimulationError(
            "--plot needs matplotlib: install imsgen[plot], for instance with "
            "pip install 'imsgen[plot]'"
        ) from None
    matplotlib.use("agg")
    # The same numbers make the same file, with text as text.
    settings = {"svg.hashsalt": "imsgen", "svg.fonttype": "none", "font.size": 8}
    with matplotlib.rc_context(settings):
        content = _draw(drawn, path)
    try:
        store(path, content)
    except OSError as error:
        raise SimulationError(f"--plot: {path}: {error.strerror}") from error


def _draw(drawn: Sequence[tuple[Outcome, PoolOutcome]], path: str) -> bytes:
    figures = importlib.import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(9, 3.1 * len(drawn)), layout="constrained")
    rows = figure.subfigures(len(drawn), 1, squeeze=False)[:, 0]
    for row, (outcome, pool) in zip(rows, drawn):
        _row(row, outcome, pool)
    out = io.BytesIO()
    kind = os.path.splitext(path)[1][1:]
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    figure.savefig(out, format=kind, dpi=120, metadata=metadata)
    return out.getvalue()


def _row(row: Any, outcome: Outcome, pool: PoolOutcome) -> None:
    """One pool: its vectors on the left, their users, where they are shared, on the right."""
    what = "gets of subdevices" if outcome.subdevices else "queues"
    more = "".join(
        f", {number(sub.created)} of {number(sub.wanted)} {sub.kind} created"
        for sub in outcome.subdevices
    )
    row.suptitle(
        f"{outcome.device}.{pool.pool}: {pool.policy}, on {number(outcome.setup.cpus)} CPUs\n"
        f"{number(pool.served)} {what} served, {number(pool.failed)} not{more}",
        x=0.01,
        ha="left",
    )
    queues = [sample.queue for sample in pool.samples]
    panels = row.subplots(1, 2 if pool.limit else 1, squeeze=False)[0]
    _band(panels[0], queues, [sample.per_cpu for sample in pool.samples], "C0")
    panels[0].set_ylabel("vectors on a CPU")
    if pool.limit:
        _band(panels[1], queues, [sample.users for sample in pool.samples], "C1")
        panels[1].axhline(pool.limit, color="0.3", linewidth=1, linestyle="--", label="limit")
        panels[1].set_ylabel("users of a vector")
    legend = {"frameon": False, "borderaxespad": 0, "columnspacing": 1, "handlelength": 1.5}
    marked = _marked(pool.events, queues[-1])
    for panel in panels:
        panel.set_xlabel("queues that came")
        panel.set_xlim(0, queues[-1])
        panel.set_ylim(bottom=0)
        panel.margins(y=0.1)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter(lambda value, _: number(value))
        panel.locator_params(axis="both", nbins=5, integer=True)
        _marks(panel, marked, pool, queues[-1])
        # Above the panel: whatever is in it stays free.
        panel.legend(loc="lower left", bbox_to_anchor=(0, 1.08), ncols=4, **legend)
    words = [f"{letter}  {text}" for letter, _, text in marked]
    row.supxlabel("\n".join(words), x=0.01, ha="left", fontsize=7)


def _band(panel: Any, queues: Sequence[int], found: Sequence[Spread], colour: str) -> None:
    low = [spread.minimum for spread in found]
    high = [spread.maximum for spread in found]
    panel.fill_between(queues, low, high, color=colour, alpha=0.3, linewidth=0, label="min to max")
    panel.plot(queues, [spread.median for spread in found], color=colour, label="median")


def _marked(events: Sequence[Event], end: int) -> list[tuple[str, int, str]]:
    """What ran out at which queue, each with a letter; what is close together has one."""
    out: list[tuple[str, int, str]] = []
    for event in events:
        if not event.shortage or event.kind == "subdevices":
            continue
        text = f"{_counted(event)}: {happened(event)}"
        if out and event.number - out[-1][1] < end / 40:
            letter, at, before = out.pop()
            out.append((letter, at, f"{before}; {text}"))
        else:
            out.append((chr(ord("a") + len(out)), event.number, text))
    return out


def _marks(panel: Any, marked: Sequence[tuple[str, int, str]], pool: PoolOutcome, end: int) -> None:
    """A line where something ran out, and a ground for where queues get nothing."""
    for letter, at, _ in marked:
        panel.axvline(at, color="C3", linewidth=1, linestyle=":")
        panel.annotate(
            letter,
            (at, 1.01),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            color="C3",
        )
    first = {event.kind: event.number for event in reversed(pool.events)}
    if pool.limit and "shared" in first:
        until = first.get("failed", end)
        panel.axvspan(first["shared"], until, color="0.9", zorder=0, label="beyond the limit")
    if "failed" in first:
        look = {"facecolor": "none", "edgecolor": "C3", "hatch": "//", "alpha": 0.4}
        panel.axvspan(first["failed"], end, label="gets nothing", **look)
