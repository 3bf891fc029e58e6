"""What templates see of a pool: its segments, and how its vectors are made and given out."""

from __future__ import annotations

from imsgen.dsl.model import Device, Pool, SharePolicy, Subdevice

from .fold import tabs
from .patches import fill
from .views_stores import Word, can_fail, cookie_word, cookies_of, ims_of, segment_calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]

#: Columns of a paragraph in a kernel-doc comment, without what starts its lines.
_DOC_COLUMNS = 76


def pool_view(device: Device, pool: Pool) -> View:
    f, p = device.name, pool.name
    fn = f"{f}_{p}"
    ims = ims_of(device, pool)
    word = cookie_word(device, ims) if ims else Word("", "", "")
    cookie = bool(ims and cookies_of(ims))
    fails = bool(ims and can_fail(ims))
    segments = _segments(device, pool)
    cookie_name = f"{f}_{ims.name}" if ims and cookie else ""
    least = pool.sharing is not None and pool.sharing.policy is SharePolicy.LEAST_LOADED
    members = [m.pool for sub in device.subdevices for m in sub.members]
    return {
        "name": p,
        "fn": fn,
        "vec": f"{fn}_vec",
        "user": f"{fn}_user",
        "cpu": f"{fn}_cpu",
        "state": f"{fn}_pool",
        "LIMIT": f"{fn}_LIMIT".upper(),
        "limit": pool.sharing.limit if pool.sharing else 0,
        "purpose": pool.purpose or "vectors which are all alike",
        "shared": pool.sharing is not None,
        "least": least,
        "get_on": f"{fn}_get_on" if least else f"{fn}_get",
        "balanced": least or (pool.sharing is not None and p in members),
        "reserve": pool.reserve,
        "node": pool.node,
        "all": "those of the device's node" if pool.node else "all",
        "default": "the CPUs of the device's node" if pool.node else "the default",
        "dedicated": pool.dedicated,
        "word": word.decl,
        "can_fail": fails,
        "free_entry": (
            f"{fn}_free_entry(irqs)" if fails else "find_first_zero_bit(pool->taken, pool->nr)"
        ),
        "cookie": f"{cookie_name}_cookie" if cookie else "",
        "cookie_ctrl": f"{cookie_name}_ctrl" if cookie else "",
        "cookie_pass": "cookie, " if cookie else "",
        "ctrl_arg": word.argument,
        "ctrl_default": word.default,
        "ctrl_dedicated": word.argument if cookie else word.default,
        "irq_name": f"{f}-{p}-",
        "segments": segments,
        "sum": " + ".join(f"pool->{s['count']}" for s in segments),
        "init_tail": f",\n»const struct {f}_irqs_params *params" if pool.sharing else "",
    }


def _segments(device: Device, pool: Pool) -> list[View]:
    f = device.name
    seen: dict[str, int] = {}
    counts: list[str] = []
    out: list[View] = []
    for number, r in enumerate(pool.ranges):
        again = seen.get(r.store, 0)
        seen[r.store] = again + 1
        suffix = r.store if not again else f"{r.store}{again}"
        store = device.store(r.store)
        count = f"nr_{suffix}"
        index = f"entry + {r.first}" if r.first else "entry"
        calls = segment_calls(device, store, index)
        last = "UINT_MAX" if r.last is None else str(r.last)
        base = "".join(f" +\n»pool->{c}" for c in counts)
        out.append(
            {
                "name": suffix,
                "store": r.store,
                "count": count,
                "tabs": tabs(f" * @{count}:", 16),
                "first": r.first,
                "last": number == len(pool.ranges) - 1,
                "index": index,
                "alloc": calls.alloc,
                "free": calls.free,
                "error": calls.error,
                "range": f"{f}_range({calls.size}, {r.first}, {last})",
                "minus_first": f" = index - {r.first}" if r.first else " = index",
                "plus_base": base,
            }
        )
        counts.append(count)
    return out


def managed_view(device: Device, pool: Pool) -> View:
    """A pool whose vectors the kernel spreads over the CPUs, one a queue."""
    first = pool.ranges[0].first
    return {
        "name": pool.name,
        "fn": f"{device.name}_{pool.name}",
        "state": f"{device.name}_{pool.name}_pool",
        "store": pool.ranges[0].store,
        "purpose": pool.purpose or "one vector a queue",
        "first": first,
        "index": f"entry + {first}" if first else "entry",
        "MAX": queues_define(device, pool),
    }


def queues_define(device: Device, pool: Pool) -> str:
    return f"{device.name}_{pool.name}_MAX_QUEUES".upper()


def hotplug(device: Device) -> bool:
    """Whether there are vectors that have a CPU as their home."""
    return any(pool.sharing for pool in device.pools)


def near(device: Device) -> bool:
    """Whether there are vectors that belong on the CPUs of the device's node."""
    return any(pool.node for pool in device.pools)


# --- subdevices ---------------------------------------------------------------------------------


def subdevice_view(device: Device, sub: Subdevice, pools: list[View]) -> View:
    """A kind of subdevice; ``pools`` are the views of the device's pools."""
    fn = f"{device.name}_{sub.name}"
    by_name = {pool["name"]: pool for pool in pools}
    members: list[View] = []
    for m in sub.members:
        pool = by_name[m.pool]
        if pool["shared"]:
            get = f"{pool['get_on']}(sub->irqs, cpu)"
        else:
            get = f"{pool['fn']}_get_dedicated(sub->irqs, {'NULL, ' if pool['cookie'] else ''}NULL)"
        nr, vecs = f"nr_{m.pool}", f"{m.pool}_vecs"
        members.append(
            {
                "pool": m.pool,
                "fn": f"{fn}_{m.pool}",
                "pool_fn": pool["fn"],
                "take": f"{fn}_irqs_take_{m.pool}",
                "vec": pool["vec"],
                "shared": pool["shared"],
                "take_one": get,
                "get_on": pool["get_on"],
                "node": pool["node"],
                "cpus": f"{device.name}_irqs_near(sub->irqs) ?:\n»" * pool["node"]
                + "cpu_online_mask",
                "nr": nr,
                "nr_tabs": tabs(f" * @{nr}:", 16),
                "vecs": vecs,
                "vecs_tabs": tabs(f" * @{vecs}:", 16),
                "first": not members,
                "single": m.single,
                "wanted": str(m.minimum) if m.single else nr,
                "minimum": m.minimum,
                "maximum": m.maximum,
                "clamp": f"clamp({nr}, {m.minimum}U, {m.maximum}U)",
                "mask_param": ",\n»struct cpumask *left" if pool["shared"] else "",
                "mask_arg": ", left" if pool["shared"] else "",
            }
        )
    ranges = [m for m in members if not m["single"]]
    order = [
        f"the {m['pool']} vector" if m["single"] else f"the {m['pool']} vectors" for m in members
    ]
    return {
        "name": sub.name,
        "fn": fn,
        "state": f"{fn}_irqs",
        "count": f"nr_{sub.name}",
        "maximum": sub.maximum,
        "MAX": subdevices_define(device, sub),
        "members": members,
        "ranges": ranges,
        "shared": any(m["shared"] for m in members),
        "counts": "".join(f",\n»unsigned int {m['nr']}" for m in ranges),
        "pass": "".join(f", {m['nr']}" for m in ranges),
        "total": " + ".join(m["wanted"] for m in members),
        "any_missing": "".join(f" || !sub->{m['vecs']}" for m in members),
        "order": fill(f"The indexes go through {', then '.join(order)}.", _DOC_COLUMNS),
    }


def subdevices_define(device: Device, sub: Subdevice) -> str:
    return f"{device.name}_{sub.name}_MAX".upper()
