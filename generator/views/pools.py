"""What templates see of pools and subdevices."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import Device, Pool, SharePolicy, Subdevice

from ..fold import tabs
from ..kinds import kind_of, own_cookie, shared_cookie
from ..kinds.ims import Ims
from .parts import Line


@dataclass(frozen=True)
class RangeView:
    """A part of a store."""

    ENUM: str
    first: int
    last: str


@dataclass(frozen=True)
class PoolView:
    """A pool over any stores, with vectors made on demand."""

    name: str
    #: Whether it is the first one.
    first: bool
    fn: str
    purpose: str
    #: Name of the pool and of its shared interrupts.
    title: str
    LIMIT: str
    #: The limit as the library takes it: 0 if nothing is shared.
    limit: str
    shared: bool
    least: bool
    get_on: str
    dedicated: bool
    handler: str
    ranges: tuple[RangeView, ...]
    info: tuple[Line, ...]
    #: How who gets a dedicated vector gives a cookie, with a comma before; what the library gets.
    cookie_param: str
    cookie_value: str
    #: What all shared vectors carry along, if the driver has to say it; else empty.
    shared_cookie: str
    can_fail: bool
    #: CPUs of a dedicated vector for which none are named, in words.
    default: str


@dataclass(frozen=True)
class MemberView:
    """What a subdevice gets of a pool."""

    pool: str
    fn: str
    part: int
    shared: bool
    LIMIT: str
    wanted: str
    minimum: int
    #: What vectors of one's own carry along: the struct of what is given, empty for nothing; an
    #: expression.
    cookie: str
    cookie_value: str


@dataclass(frozen=True)
class SubdeviceView:
    """A kind of subdevice."""

    name: str
    fn: str
    maximum: int
    members: tuple[MemberView, ...]
    nr_parts: int
    #: Parameters and arguments that say how many vectors are wanted, each with a comma before.
    counts: str
    passed: str
    #: How many vectors there are, in words.
    wanted: str
    order: str


def pool_view(device: Device, pool: Pool, given: str) -> PoolView:
    """``given`` is where what the driver passes is found, e.g. ``params->``."""
    f, p = device.name, pool.name
    fn, limit = f"{f}_{p}", limit_define(device, pool)
    names = list(dict.fromkeys(r.store for r in pool.ranges))
    kinds = [kind_of(device, device.store(name)) for name in names]
    cookie = next((kind.cookie for kind in kinds if kind.cookie), None)
    least = pool.sharing is not None and pool.sharing.policy is SharePolicy.LEAST_LOADED
    info = [
        ("name", f'"{f}-{p}"'.replace("_", "-")),
        ("ranges", f"{fn}_ranges"),
        ("nr_ranges", f"ARRAY_SIZE({fn}_ranges)"),
    ]
    info += [("limit", limit)] if pool.sharing else []
    info += [("reserve", str(pool.reserve))] if pool.reserve else []
    info += [("node", "true")] if pool.node else []
    # Stores which have no cookies take none of a pool over several.
    joined = sum(isinstance(kind, Ims) for kind in kinds) > 1
    info += [
        ("cookie.value", kind.idle)
        for kind in kinds
        if kind.idle != "0" and (kind.cookie or not joined)
    ]
    return PoolView(
        name=p,
        first=pool is next(other for other in device.pools if not other.managed),
        fn=fn,
        purpose=pool.purpose or "vectors which are all alike",
        title=f"{f}-{p}".replace("_", "-"),
        LIMIT=limit,
        limit=limit if pool.sharing else "0",
        shared=pool.sharing is not None,
        least=least,
        get_on=f"{fn}_get_on" if least else f"{fn}_get",
        dedicated=pool.dedicated,
        handler=f"{given}{p}_handler" if pool.sharing else "NULL",
        ranges=tuple(
            RangeView(
                kind_of(device, device.store(r.store)).ENUM,
                r.first,
                "UINT_MAX" if r.last is None else str(r.last),
            )
            for r in pool.ranges
        ),
        info=tuple(Line(name, tabs(f"\t.{name}", 32), value) for name, value in info),
        cookie_param=f",\n»const struct {cookie.struct} *cookie" if cookie else "",
        cookie_value=f"{cookie.fn}(cookie)" if cookie else f"irqs->{p}.info->cookie",
        shared_cookie=(
            f"{cookie.fn}({given}{p}_cookie)" if cookie and shared_cookie(device, pool) else ""
        ),
        can_fail=any(kind.can_fail for kind in kinds),
        default="the device's node" if pool.node else "the default",
    )


def limit_define(device: Device, pool: Pool) -> str:
    """The constant that says how many users a vector of a pool has at most."""
    return f"{device.name}_{pool.name}_LIMIT".upper()


def subdevice_view(device: Device, sub: Subdevice) -> SubdeviceView:
    """A kind of subdevice and what it gets of which pools."""
    fn = f"{device.name}_{sub.name}"
    pools = {pool.name: pool for pool in device.pools}
    parts = tuple(
        MemberView(
            pool=m.pool,
            fn=f"{fn}_{m.pool}",
            part=number,
            shared=pools[m.pool].sharing is not None,
            LIMIT=limit_define(device, pools[m.pool]),
            wanted="1" if m.single else f"min(nr_{m.pool}, {m.maximum}U)",
            minimum=1 if m.single else m.minimum,
            cookie=cookie.struct if (cookie := own_cookie(device, pools[m.pool])) else "",
            cookie_value=(
                f"{cookie.fn}({m.pool}_cookie)" if cookie else f"irqs->{m.pool}.info->cookie"
            ),
        )
        for number, m in enumerate(sub.members)
    )
    several = [m for m in sub.members if not m.single]
    order = [f"the {m.pool} vector" + ("" if m.single else "s") for m in sub.members]
    return SubdeviceView(
        name=sub.name,
        fn=fn,
        maximum=sub.maximum,
        members=parts,
        nr_parts=len(parts),
        counts="".join(f",\n»unsigned int nr_{m.pool}" for m in several)
        + "".join(f",\n»const struct {m.cookie} *{m.pool}_cookie" for m in parts if m.cookie),
        passed="".join(f", nr_{m.pool}" for m in several)
        + "".join(f", {m.pool}_cookie" for m in parts if m.cookie),
        wanted=",".join(
            f" {m.minimum}"
            + (f" to {m.maximum}" if m.maximum > m.minimum else "")
            + f" of the {m.pool} pool"
            for m in sub.members
        ),
        order=", then ".join(order),
    )
