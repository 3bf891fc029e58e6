"""Random layouts over the whole language: each is right, and leaves out what it may leave out.

``python -m tests.generator.random_layouts 7 memory`` prints that of the seed 7, and one that has a
memory store.  What a store can have is read from the table of kinds, so new kinds are drawn, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from random import Random

from imsgen.dsl.kinds import BY_WORD, KINDS, StoreKind

#: Indexes that random stores have at most, where the layout says how many.
MOST = 64

#: Kinds of stores: those that the PCI core keeps, those beside it, those of platform devices.
CORE = tuple(kind for kind in KINDS if kind.is_pci)
IMS = tuple(kind for kind in KINDS if kind.is_ims)
PLATFORM = tuple(kind for kind in KINDS if kind.platform)

#: Architectures whose interrupt domains can isolate the messages of IMS stores, and others.
ISOLATING = ("x86_64", "x86", "arm64")
OTHERS = ("arm", "loongarch", "mips", "powerpc", "riscv", "s390", "sparc")

#: Titles and purposes, and none at all; names of cookies, and of registers of the driver.
TEXTS = (
    "",
    "",
    '"a"',
    '"2nd link: errors, events (and more)"',
    '"Queues: of 64 x ports #1, at all"',
)
COOKIES = ("pasid", "queue", "tag")
REGISTERS = ("moderation", "credit")

#: Where handlers run, oneshot last.
CONTEXTS = ("", "hard", "threaded", "oneshot")

#: A layout of examples/parts, where a layout that includes it has to be loaded from.
FAMILY = 'include "parts/family.ims";\n'


class Maker:
    """Makes one layout; what one statement asks of another one is kept here."""

    def __init__(self, rnd: Random, wanted: StoreKind | None = None) -> None:
        self.rnd = rnd
        #: The kind that the first store has which can be of it.
        self.wanted = wanted
        #: Why there is no second store of some kinds.
        self.alone: set[str] = set()
        #: What stands in front of the device.
        self.front = ""
        self.body: list[str] = []
        #: Pools by name: their ranges, how many vectors these have at least, and IMS or not.
        self.pools: dict[str, tuple[list[str], int, bool]] = {}
        #: The stores that have cookies, and pools by names with the one that they are over.
        self.carriers: set[str] = set()
        self.over: dict[str, str] = {}
        #: Pools that subdevices can take from, with the least they have where nobody shares.
        self.givers: dict[str, int] = {}
        #: Whether the cookies of the IMS store may be required: it has no special vectors.
        self.strict = self.chance(0.2)
        #: Where handlers may run.
        self.contexts: tuple[str, ...] = CONTEXTS
        #: What decides on what can be said of interrupt remapping.
        self.unmaskable = self.required = self.isolated = False
        #: Whether the data of a message is its index.
        self.indexed = False
        self.things = 0

    def chance(self, share: float = 0.5) -> bool:
        """True in that share of cases."""
        return self.rnd.random() < share

    def maybe(self, text: str) -> str:
        """The text, or nothing."""
        return text if self.chance() else ""

    def number(self, value: int) -> str:
        """A number in one of its spellings."""
        return self.rnd.choice((str(value), f"{value:#x}", f"{value:#X}", f"{value:_}"))

    def text(self) -> str:
        """A title or a purpose, or none."""
        return self.rnd.choice(TEXTS)

    def mixed(self, parts: list[str]) -> str:
        """Statements in any order."""
        parts = [part for part in parts if part]
        self.rnd.shuffle(parts)
        return " ".join(parts)

    # --- stores -------------------------------------------------------------------------------

    def kind(self, kinds: Sequence[StoreKind]) -> StoreKind:
        """The kind that is wanted, or one of these: the more it has to say, the more often."""
        free = [kind for kind in kinds if kind.alone not in self.alone]
        found = self.rnd.choices(free, [len(kind.words) for kind in free])[0]
        if self.wanted in free:
            found, self.wanted = self.wanted, None
        self.alone |= {found.alone} - {""}
        return found

    def control(self, width: int, masked: bool, registers: bool, waits: bool) -> str:
        """What is in a control word of that width, in REGISTERS or in memory."""
        rnd, bits, parts = self.rnd, list(range(width)), []

        def take(most: int) -> tuple[int, int]:
            """A free field of up to that many bits: highest and lowest one."""
            low = rnd.choice(bits)
            high = low
            while high + 1 in bits and high - low + 1 < most and self.chance(0.8):
                high += 1
            for bit in range(low, high + 1):
                bits.remove(bit)
            return high, low

        def field(name: str, use: str) -> str:
            """A field of one bit or several."""
            high, low = take(4)
            place = f"bit {low}" if high == low and self.chance() else f"bits {high}:{low}"
            if use == "=":
                place, use = f"bits {high}:{low}", f"= {rnd.randrange(1 << (high - low + 1))}"
            return f"{name} {place} {use};"

        if masked:
            parts.append(f"mask bit {take(1)[0]}{self.maybe(' active low')};")
        for name in rnd.sample(COOKIES, rnd.choice((0, 0, 1, 1, 2))):
            optional = "" if self.strict and self.chance() else " optional"
            parts.append(field(name, f"cookie{optional}"))
            if self.chance() and bits:
                parts.append(f"{name}_enable bit {take(1)[0]};")
        uses = ["=", "=", "driver"] + ["read only", "write one to clear"] * registers
        for number in range(rnd.choice((0, 0, 1, 3)) if len(bits) > 8 else 0):
            parts.append(field(f"f{number}", rnd.choice(uses)))
        if len(bits) > 2 and self.chance(0.3):
            parts.append(f"on bit {take(1)[0]} set;")
        if bits and waits and self.chance(0.3):
            parts.append(f"waits bit {take(1)[0]} pending;")
        return self.mixed(parts)

    def registers(self, pairs: bool, masked: bool, waits: bool) -> tuple[int, str]:
        """The stride of a slot and its registers; in PAIRS, the address and data are changed at
        once. A slot that isn't MASKED may have no control word; one that WAITS may have a pending
        bit.
        """
        rnd, words = self.rnd, []
        narrow = "" if pairs else self.maybe(" width 16")
        data = narrow or self.maybe(" width 32")
        address = rnd.choice(("lo", "lo hi", "whole", "short"))
        if pairs:
            low_first = address == "whole" or self.chance()
            names = ["address_lo", "data"] if low_first else ["data", "address_lo"]
            if address == "whole":
                # Little endian: its lower half comes first, behind the data.
                names = ["data", "address"]
            words.append((names, 2 if address != "whole" else 3))
            if address == "lo hi":
                words.append((["address_hi"], 1))
        else:
            words.append((["data"], 1))
            if address == "whole":
                words.append((["address"], 2))
            elif address == "short":
                words.append((["address "], 1))
            else:
                words += [([f"address_{half}"], 1) for half in address.split()]
        wide = self.chance(0.15)
        if masked or self.chance():
            words.append((["control"], 2 if wide else 1))
        words += [([name], 1) for name in rnd.sample(REGISTERS, rnd.choice((0, 0, 1, 2)))]
        if not pairs:
            rnd.shuffle(words)
        at, places = 0, []
        for names, size in words:
            at += 2 * rnd.choice((0, 0, 0, 1)) if pairs else rnd.choice((0, 0, 0, 1, 2))
            if (names[0] in ("data", "address_lo") and pairs) or (names == ["control"] and wide):
                at += at % 2
            offset = at * 4
            for name in names:
                if name == "control":
                    width = 64 if wide else rnd.choice((16, 32, 32))
                    start = offset + (rnd.choice((0, 2)) if width == 16 else 0)
                    said = f" width {width}" if width != 32 else self.maybe(" width 32")
                    fields = self.control(width, masked, not pairs, waits)
                    places.append(f"control @{self.number(start)}{said} {{ {fields} }}")
                elif name == "data":
                    start = offset + (rnd.choice((0, 2)) if narrow else 0)
                    places.append(f"data @{self.number(start)}{data};")
                elif name in REGISTERS:
                    width = rnd.choice((16, 32))
                    start = offset + (rnd.choice((0, 2)) if width == 16 else 0)
                    said = f" width {width}" if width == 16 else self.maybe(" width 32")
                    places.append(f"register {name} @{self.number(start)}{said};")
                elif name == "address ":
                    places.append(f"address @{self.number(offset)} width 32;")
                else:
                    said = self.maybe(f" width {64 if name == 'address' else 32}")
                    places.append(f"{name} @{self.number(offset)}{said};")
                offset += 4
            at += size
        if address in ("whole", "lo hi") and self.chance(0.3):
            places.append(f"address bits {rnd.choice((39, 55, 63))}:{rnd.choice((0, 2))};")
        elif self.chance(0.1):
            places.append("address bits 31:2;")
        stride = at * 4 + 4 * rnd.choice((0, 0, 1, 4))
        return (stride + 7) // 8 * 8 if pairs or wide else stride, self.mixed(places)

    def slot(self, pairs: bool, masked: bool, waits: bool) -> tuple[int, str]:
        """The stride of a store's slots, and the statement for them."""
        if masked and not pairs and self.chance(0.2) and not self.front:
            self.front = FAMILY
            return 16, "slot crypto_slot;"
        stride, registers = self.registers(pairs, masked, waits)
        orders = ("", "little endian", "big endian")
        order = "" if pairs and "address @" in registers else self.rnd.choice(orders)
        block = f"{self.number(stride)} {order} {{ {registers} }}"
        if self.chance(0.25) and not self.front:
            self.front = f"slot shared {block}\n"
            return stride, "slot shared;"
        return stride, f"slot {block}"

    def tables(self, nr: int, stride: int) -> list[tuple[str, int]]:
        """Several tables, or one: statements without their offsets, and bytes."""
        counts = [nr]
        while len(counts) < 3 and counts[-1] > 1 and self.chance(0.7):
            counts[-1:] = [part := self.rnd.randint(1, counts[-1] - 1), counts[-1] - part]
        return [
            (f"table offset {{}} slots {self.number(count)};", stride * count) for count in counts
        ]

    def store(self, name: str, kind: StoreKind, nr: int, bars: Sequence[int] = ()) -> None:
        """A store of that name and NR indexes; what its kind has in BARs is in these BARS."""
        may, stride, parts = kind.statements, 0, []
        unmaskable = "unmaskable" in may and self.chance(0.3 if kind.platform else 0.15)
        arrays = () if unmaskable else ("mask_bits", "pending")
        bits = [word for word in arrays if word in may and self.chance(0.4)]
        self.unmaskable |= unmaskable
        self.required |= bool(kind.isolation)
        if "slot" in kind.words:
            masked = not (unmaskable or "mask_bits" in bits)
            waits = not (unmaskable or "pending" in bits or kind.pairs)
            self.indexed = kind.platform and unmaskable and self.chance(0.7)
            if kind.platform:
                stride, slot = self.platform_slot(masked, self.indexed)
            else:
                stride, slot = self.slot(kind.pairs, masked, waits)
            parts.append(slot)
        if unmaskable:
            parts.append("unmaskable;")
        if "command_cookie" in may:
            for cookie in self.rnd.sample(COOKIES, self.rnd.choice((0, 1, 2))):
                optional = "" if self.strict and self.chance() else " optional"
                parts.append(f"cookie {cookie}{optional};")
        block = self.mixed(parts + self.places(kind, nr, stride, bits, bars))
        self.body.append(f"store {name}: {kind.word} {{ {block} }}")
        if "cookie" in block or "slot shared;" in block or "slot crypto_slot;" in block:
            self.carriers.add(name)

    def places(
        self, kind: StoreKind, nr: int, stride: int, bits: Sequence[str], bars: Sequence[int]
    ) -> list[str]:
        """How many indexes a store has, and where: its BAR, its slots, arrays of BITS, all else."""
        rnd, may, parts = self.rnd, kind.statements, []
        others, passed = list(bars), self.chance(0.2)
        if "bar" in may:
            bar = others.pop(rnd.randrange(len(others)))
            parts.append(f"bar {'runtime' if passed else bar};")
        # Statements without their offsets, and bytes.
        areas = [(f"{place.word} @{{}};", place.size or stride) for place in kind.places]
        for word in bits:
            low = self.maybe(" active low") if word == "mask_bits" else ""
            bar_of = self.array(rnd.choice(others), passed)
            areas.append((f"{word} {bar_of}@{{}}{low};", (nr + 31) // 32 * 4))
        if "table" in may and not self.indexed and self.chance(0.3):
            areas += self.tables(nr, stride)
        else:
            number = self.number(nr)
            parts.append(rnd.choice((f"slots {number};", f"slots runtime max {number};")))
            if "offset" in may and self.chance(0.4):
                areas.append(("offset {};", nr * stride))
            elif "offset" in may:
                parts.append(rnd.choice(("offset runtime;", "offset runtime max 0x40;")))
        # One behind the other, whatever BARs they are in.
        rnd.shuffle(areas)
        end = 0
        for text, size in areas:
            start = (end + rnd.choice((0, 0, 0x40, 0x1000)) + 7) // 8 * 8
            parts.append(text.format(self.number(start)))
            end = start + size
        return parts

    def array(self, bar: int, named: bool) -> str:
        """The BAR of an array of bits, which has to be NAMED or may be that of the store."""
        name = f"bar {bar} "
        return name if named else self.maybe(name)

    def platform_slot(self, masked: bool, indexed: bool) -> tuple[int, str]:
        """A slot of a platform device: a message, and what is known of its control word.

        Its data is the index of the message if it is INDEXED. Gives the stride, too.
        """
        rnd, places = self.rnd, []
        address = rnd.choice(("lo hi", "whole", "short"))
        parts = {"lo hi": ["address_lo", "address_hi"], "whole": ["address"], "short": ["address"]}
        names = [*parts[address], "data", *(["control"] if masked or self.chance() else [])]
        rnd.shuffle(names)
        at = 0
        for name in names:
            at += 4 * rnd.choice((0, 0, 1))
            if name == "control":
                low, high = rnd.sample(range(0, 32, 4), 2)
                fields = [f"mask bit {low}{self.maybe(' active low')};" if masked else ""]
                uses = ("read only", "write one to clear", f"= {rnd.randrange(8)}", "set")
                use = rnd.choice(uses)
                where = f"bit {high}" if use == "set" else f"bits {high + 2}:{high}"
                fields.append(self.maybe(f"kind {where} {use};"))
                places.append(f"control @{at} {{ {self.mixed(fields)} }}")
            elif name == "data" and indexed:
                places.append("data index;")
            elif name == "data":
                places.append(f"data @{at}{self.maybe(' width 16')};")
            else:
                places.append(f"{name} @{at}{' width 32' if address == 'short' else ''};")
            at += 8 if name == "address" and address == "whole" else 4
        order = rnd.choice(("", " little endian", " big endian"))
        stride = at + 4 * rnd.choice((0, 1, 4))
        return stride, f"slot {stride}{order} {{ {self.mixed(places)} }}"

    def platform(self) -> None:
        """A platform device has one store, in its registers or passed on."""
        # UML has 64 interrupts, and all messages are allocated at once.
        rnd, nr = self.rnd, self.rnd.randint(8, 40)
        self.contexts = tuple("" if word == "threaded" else word for word in CONTEXTS)
        kind = self.kind(PLATFORM)
        self.store("regs", kind, nr)
        self.indexes("regs", nr, kind)
        for name, pool in self.pools.items():
            self.pool(name, *pool)
        # All messages are there at once, so that there are enough where vectors are shared only.
        self.givers = {name: most for name, most in self.givers.items() if most == MOST}
        self.subdevices()
        ids = ['platform "vendor,chip";', 'acpi "VEND0042";', 'platform "other,chip-2.0";']
        self.body += rnd.sample(ids, rnd.choice((1, 2, 3)))
        if self.unmaskable or self.chance(0.3):
            names = "arm64" if self.indexed else rnd.choice(("arm64", "arm64, arm"))
            self.body.append(f"architecture {names};")

    # --- vectors ------------------------------------------------------------------------------

    def vector(self, store: str, index: int, more: str = "", contexts: int = 4) -> int:
        """A special vector, an array of them, or one that another purpose shares.

        Gives the index behind. MORE is what stands behind it, CONTEXTS how many it may choose from.
        """
        rnd = self.rnd
        context = rnd.choice(self.contexts[:contexts])
        name, place, use = f"{store}_v{index}", f"{store}[{self.number(index)}]", self.text()
        self.things += not more
        if self.chance(0.2):
            nr = rnd.randint(1, 3)
            place = f"{store}[{index}..{index + nr - 1}]"
            self.body.append(f"vector {name}[{nr}] = {place} {use} {context}{more};")
            return index + nr
        self.body.append(f"vector {name} = {place} {use} {context}{more};")
        if self.chance(0.2):
            other = context if context == "oneshot" else rnd.choice(self.contexts[:3])
            self.body.append(f"vector {name}_too = {name} {self.text()} {other};")
        return index + 1

    def runtime(self, store: str) -> int:
        """Vectors at indexes that the driver passes. Gives the index behind all there can be."""
        last = self.rnd.randint(0, 5)
        for number in range(self.rnd.randint(1, 2)):
            context = self.rnd.choice(CONTEXTS[:3])
            place = f"{store}[runtime max {last}]"
            self.body.append(f"vector {store}_r{number} = {place} {self.text()} {context};")
            self.things += 1
        return last + 1

    def give(self, part: str, least: int, ims: bool) -> None:
        """Give a range to a pool: a new one, or one that has a range already."""
        store = part.partition("[")[0]
        carries = {store} & self.carriers
        names = [n for n in self.pools if not carries or self.over.get(n, store) == store]
        names.append(f"p{len(self.pools)}")
        name = self.rnd.choice(names) if len(names) < 4 else self.rnd.choice(names[:-1])
        if carries:
            self.over[name] = store
        ranges, nr, has_ims = self.pools.get(name, ([], 0, False))
        self.pools[name] = ([*ranges, part], nr + least, has_ims or ims)
        self.things += 1

    def indexes(self, store: str, nr: int, kind: StoreKind) -> None:
        """Vectors and ranges over a store, from its first index to its last."""
        rnd, at, ims = self.rnd, 0, not kind.is_pci
        specials = not (ims and self.strict)
        # Where the PCI core keeps the messages, they may have another end than a pool's range.
        end = rnd.choice(("", "", "", "managed", "optional")) if kind.is_pci else ""
        # UML has 64 interrupts, and all of a managed pool have to be there.
        end = "" if end == "managed" and nr != kind.pci_limit else end
        runtime = kind.is_pci and self.chance(0.15)
        if kind.powers or end == "optional":
            # Handlers at one index are all oneshot, or none of them is.
            at = self.vector(store, 0, contexts=3 if runtime else 4)
        if runtime:
            at = max(at, self.runtime(store))
        if not (at or end) and self.chance(0.15):
            return self.give(store, nr, ims)
        for _ in range(rnd.randint(1, 4)):
            if specials and self.chance(0.4):
                at = self.vector(store, at)
            elif end or self.chance(0.2):
                at += rnd.randint(0, 1)
            else:
                last = min(at + rnd.randint(0, 3), nr - 1)
                part = f"{store}[{at}..{self.number(last)}]" if last > at else f"{store}[{last}]"
                self.give(part, last - at + 1, ims)
                at = last + 1
            if at >= nr - 3:
                break
        if end == "optional":
            self.vector(store, at, " optional")
        elif end == "managed":
            start = f"[{self.number(at)}..]" if at else ""
            self.body.append(f"pool {store}_m = {store}{start} {self.text()} {{ managed; }}")
            self.things += 1
        elif at < nr and (not self.things or self.chance(0.6)):
            if specials and at < nr - 3 and self.chance(0.2):
                self.body.append(f"vector {store}_l = {store}[last] {self.text()};")
                self.things += 1
                self.give(f"{store}[{at}..]", nr - at - 1, ims)
            elif self.chance():
                # UML has 64 interrupts, and all of a range with an end have to be there.
                last = nr - 1 if ims else min(nr - 1, at + 9)
                self.give(f"{store}[{at}..{last}]", last - at + 1, ims)
            else:
                self.give(f"{store}[{at}..]", nr - at, ims)
        return None

    def pool(self, name: str, ranges: list[str], least: int, ims: bool) -> None:
        """A pool over its ranges."""
        rnd = self.rnd
        parts = []
        shares = self.chance(0.7)
        policy = rnd.choice(("per cpu", "least loaded"))
        if shares:
            parts.append(f"share {policy} up to {rnd.choice((1, 2, 4, 100))};")
        dedicated = not shares or self.chance()
        if dedicated:
            parts.append("dedicated;")
            self.isolated |= ims
        if shares and dedicated:
            parts.append(self.maybe(f"reserve {rnd.randint(1, min(least, 4))};"))
        if not shares or policy == "least loaded":
            parts.append(self.maybe("cpus node;"))
        rnd.shuffle(ranges)
        block = self.mixed(parts)
        self.body.append(f"pool {name} = {' + '.join(ranges)} {self.text()} {{ {block} }}")
        self.givers[name] = MOST if shares else least

    def subdevices(self) -> None:
        """Subdevices of up to two kinds."""
        rnd = self.rnd
        for name in rnd.sample(("sf", "vf"), rnd.choice((0, 0, 1, 1, 2)) if self.givers else 0):
            chosen = rnd.sample(sorted(self.givers), rnd.randint(1, len(self.givers)))
            takes, least = [], 0
            for pool in chosen:
                low = rnd.randint(1, min(self.givers[pool], 3))
                many = f"vectors {pool} {low}..{low + rnd.randint(0, 4)};"
                takes.append(rnd.choice((f"vector {pool};", many)))
                least += low
            # UML has 64 interrupts, and what all of them need at least has to be there.
            most = min(rnd.randint(1, 64), 40 // least)
            self.body.append(f"subdevice {name} max {most} {{ {' '.join(takes)} }}")

    # --- the device ---------------------------------------------------------------------------

    def head(self, ims: bool) -> None:
        """What a device says of itself."""
        rnd = self.rnd
        ids = ["pci 1af4:1234;", "pci 1AF4:1235;", "pci class 020000;", "pci class 0C0330;"]
        self.body += rnd.sample(ids, rnd.choice((1, 1, 2)))
        if self.chance():
            self.body.append('path "drivers/irqchip";')
        people = ('"Jane Doe <jane@example.org>"', '"Zoë Müller <z.m+k@mail.example.org>"')
        self.body += [f"maintainer {who};" for who in rnd.sample(people, rnd.choice((0, 1, 2)))]
        if self.chance(0.3):
            names = rnd.sample((*ISOLATING, *OTHERS), rnd.randint(1, 3))
            if ims and not set(names) & set(ISOLATING):
                names.append(rnd.choice(ISOLATING))
            self.body.append(f"architecture {', '.join(names)};")
        self.body.append(self.remapping())
        if self.chance(0.3):
            self.body.append(f"requires {rnd.randint(1, self.things)} vectors;")

    def remapping(self) -> str:
        """What is said of interrupt remapping, or nothing."""
        said = ["requires remapping;"]
        if self.required or self.isolated or not self.unmaskable:
            said.append("")
        if not (self.required or self.unmaskable):
            said.append("remapping optional;")
        return self.rnd.choice(said)

    def function(self) -> None:
        """A PCI function has a store of the PCI core, or of its own, or both."""
        wanted = self.wanted
        has_core = wanted in CORE or self.chance(2 / 3)
        ims = wanted in IMS or not has_core or self.chance(0.7)
        if has_core:
            core = self.kind(CORE)
            limit = core.pci_limit or 0
            nr = min(core.rounded(self.rnd.randint(32, MOST)), limit)
            sized = self.chance(0.3)
            size = f" {{ slots {self.number(nr)}; }}" if sized else ";"
            self.body.append(f"store table: {core.word}{size}")
            self.indexes("table", nr if sized else limit, core)
        if ims:
            stores = ["ims", "more", "most"][: self.rnd.choice((1, 1, 1, 2, 3))]
            for number, name in enumerate(stores):
                kind, nr = self.kind(IMS), self.rnd.randint(16, MOST)
                self.store(name, kind, nr, range(6)[number :: len(stores)])
                self.indexes(name, nr, kind)
        for name, pool in self.pools.items():
            self.pool(name, *pool)
        self.subdevices()
        self.head(ims)

    def made(self) -> str:
        """The layout."""
        if self.wanted in PLATFORM or (not self.wanted and self.chance(0.15)):
            self.platform()
        else:
            self.function()
        lines = [line for line in self.body if line]
        self.rnd.shuffle(lines)
        body = "\n".join(f"    {line}" for line in lines)
        return f"{self.front}device foo {self.text()} {{  # made at random\n{body}\n}}\n"


def layout(rnd: Random, kind: StoreKind | None = None) -> str:
    """A layout of one device, `foo`, with a store of that kind if there is one.

    It may include a file of examples/parts.
    """
    return Maker(rnd, kind).made()


def named(word: str) -> str:
    """The layout of a seed, or the one for a kind of stores: the same each time."""
    if word.isdecimal():
        return layout(Random(int(word)))
    return layout(Random(word), BY_WORD[word])


if __name__ == "__main__":
    print("\n".join(named(word) for word in sys.argv[1:]))
