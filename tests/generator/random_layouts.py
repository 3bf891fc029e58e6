"""Random layouts over the whole language; each is right, and says what it may leave out or not."""

from __future__ import annotations

from random import Random

#: Control word: its text, and whether it masks.
_COOKIES = ("", "pasid bits 31:12 cookie optional;", "q_enable bit 4; q bits 15:8 cookie optional;")


def _maybe(rnd: Random, text: str) -> str:
    return text if rnd.random() < 0.5 else ""


def _slot(rnd: Random, memory: bool, masked: bool, narrow: bool) -> tuple[int, str, str]:
    """Stride, byte order and registers of a slot; ``narrow`` slots have 16-bit words."""
    big = rnd.random() < 0.3
    order = "big endian" if big else rnd.choice(("", "little endian"))
    stride = rnd.choice((16, 24, 32, 64))
    if memory:
        low, data = rnd.choice(((0, 4), (4, 0)))
        places = [f"address_lo @{low};", f"data @{data};", _maybe(rnd, "address_hi @8;")]
    else:
        at = rnd.sample(range(0, stride - 4, 4), 3) if rnd.random() < 0.5 else [0, 4, 8]
        if at[1] == at[0] + 4 and rnd.random() < 0.5:
            places = [f"address @{at[0]};"]
        else:
            places = [f"address_lo @{at[0]};", _maybe(rnd, f"address_hi @{at[1]};")]
        width = " width 16" if narrow else _maybe(rnd, " width 32")
        places.append(f"data @{at[2]}{width};")
    cookies = "" if narrow else rnd.choice(_COOKIES)
    if masked:
        mask = f"mask bit {rnd.choice((0, 1, 2))}{_maybe(rnd, ' active low')};"
        cookies = mask + cookies
    if cookies:
        width = " width 16" if narrow else _maybe(rnd, " width 32")
        places.append(f"control @{stride - 4}{width} {{ {cookies} }}")
    rnd.shuffle(places)
    return stride, order, " ".join(places)


def _store(rnd: Random, kind: str, unmaskable: bool) -> tuple[str, str, int]:
    """A store of that kind, the layout that it names, and its indexes."""
    nr = rnd.choice((8, 33, 64))
    size = f"slots {rnd.choice((str(nr), f'runtime max {nr}'))};"
    if kind == "command":
        cookies = _maybe(rnd, "cookie queue optional;") + _maybe(rnd, "cookie pasid optional;")
        return f"store ims: command {{ {size} {cookies} }}", "", nr
    if kind == "exported":
        return f"store ims: exported {{ {size} }}", "", nr
    arrays = kind == "iomem" and not unmaskable and rnd.random() < 0.3
    stride, order, registers = _slot(
        rnd, kind == "memory", not (arrays or unmaskable), kind == "iomem" and rnd.random() < 0.2
    )
    parts = ["unmaskable;" if unmaskable else ""]
    layout, slot = "", f"slot {stride} {order} {{ {registers} }}"
    if rnd.random() < 0.3:
        layout, slot = f"slot shared {stride} {order} {{ {registers} }}\n", "slot shared;"
    if kind == "indirect":
        parts.append(f"bar {rnd.randrange(6)}; select @0x8; window @0x100;")
    if kind == "iomem":
        parts.append(f"bar {rnd.randrange(6)};")
        if rnd.random() < 0.3:
            size = f"table offset 0x10000 slots {nr - 3}; table offset 0x1000 slots 3;"
        else:
            offset = rnd.choice(("0x1000", "runtime", "runtime max 64"))
            parts.append(f"offset {offset};")
        if arrays:
            low = _maybe(rnd, " active low")
            parts.append(f"mask_bits {rnd.choice(('', 'bar 5 '))}@0x100{low};")
        if not unmaskable:
            parts.append(_maybe(rnd, f"pending {rnd.choice(('', 'bar 4 '))}@0x200;"))
    parts += [size, slot]
    rnd.shuffle(parts)
    return f"store ims: {kind} {{ {' '.join(parts)} }}", layout, nr


def layout(seed: int) -> str:
    """A layout; the same seed gives the same one."""
    rnd = Random(seed)
    pci = rnd.choice(("msix", "msi", ""))
    kinds = ("iomem", "iomem", "indirect", "memory", "command", "exported", "" if pci else "iomem")
    kind = rnd.choice(kinds)
    unmaskable = kind in ("iomem", "memory") and rnd.random() < 0.2
    head = ["pci 1af4:1234;", _maybe(rnd, "pci class 020000;")]
    head.append(_maybe(rnd, 'path "drivers/irqchip";'))
    head.append(_maybe(rnd, 'maintainer "Jane Doe <jane@example.org>";'))
    archs = ("x86_64", "x86, arm64", "powerpc, x86_64", "riscv, x86")
    head.append(_maybe(rnd, f"architecture {rnd.choice(archs)};"))
    remapping = "requires remapping;" if unmaskable else _maybe(rnd, "requires remapping;")
    if not remapping and kind in ("iomem", "indirect", "memory"):
        remapping = _maybe(rnd, "remapping optional;")
    head += [remapping, _maybe(rnd, "requires 1 vectors;")]
    text = ""
    members: list[str] = []

    def users(store: str, last: int, open_end: bool) -> None:
        first = 0
        if (pci == "msi" and store == "table") or rnd.random() < 0.6:
            purpose, context = _maybe(rnd, f'"{store} events"'), rnd.choice(_CONTEXTS)
            head.append(f"vector {store}_v = {store}[0] {purpose} {context};")
            first = 1
            if rnd.random() < 0.3:
                other = "oneshot" if context == "oneshot" else rnd.choice(("", "threaded"))
                head.append(f"vector {store}_s = {store}_v {purpose} {other};")
            if rnd.random() < 0.3:
                number = rnd.choice((1, 2, 3))
                where = f"{store}[1..{number}]"
                head.append(f"vector {store}_a[{number}] = {where} {purpose} {context};")
                first = 1 + number
            if open_end and rnd.random() < 0.3:
                other = "oneshot" if context == "oneshot" else rnd.choice(("", "threaded"))
                head.append(f"vector {store}_r = {store}[runtime max 4] {purpose} {other};")
                first = 5
        if open_end and first and rnd.random() < 0.2:
            number = rnd.choice((0, 1, 4))
            name, last = (f"{store}_o[{number}]", f"..{first + number - 1}") if number else ("", "")
            head.append(f"vector {name or f'{store}_o'} = {store}[{first}{last}] optional;")
            return
        if open_end and rnd.random() < 0.2:
            head.append(f"pool {store}_m = {store}[{first}..] {{ managed; }}")
            return
        last -= 1
        if rnd.random() < 0.3:
            head.append(f"vector {store}_l = {store}[last];")
        ranges = f"{store}[" + rnd.choice((f"{first}..", f"{first}..{last}", str(last))) + "]"
        if first == 0 and rnd.random() < 0.3:
            ranges = store
        how = rnd.choice(_POLICIES)
        purpose = _maybe(rnd, '"queues"')
        head.append(f"pool {store}_p = {ranges} {purpose} {{ {how} }}")
        if "share" in how:
            members.append(f"{store}_p")

    if pci:
        head.append(f"store table: {pci};")
        users("table", 7, True)
    if kind:
        store, text, nr = _store(rnd, kind, unmaskable)
        head.append(store)
        users("ims", nr - 1, False)
    if members and rnd.random() < 0.5:
        takes = [rnd.choice((f"vector {p};", f"vectors {p} 1..4;")) for p in members]
        head.append(f"subdevice sf max {rnd.randint(1, 64)} {{ {' '.join(takes)} }}")
    rnd.shuffle(head)
    title = _maybe(rnd, '"Some card"')
    body = "\n".join(f"    {line}" for line in head if line)
    return f"{text}device foo {title} {{\n{body}\n}}\n"


_CONTEXTS = ("", "hard", "threaded", "oneshot")
_POLICIES = (
    "dedicated;",
    "share per cpu up to 4;",
    "share least loaded up to 4;",
    "share per cpu up to 8; dedicated;",
    "share least loaded up to 8; dedicated; reserve 1; cpus node;",
    "dedicated; cpus node;",
)
