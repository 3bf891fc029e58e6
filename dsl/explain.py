"""What each code of the catalogue means, with a layout that gets it and one that doesn't."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import MAX_BYTES, Result, load
from .codes import CODES
from .diagnostics import printable, render

#: What the layouts are called that are shown.
NAME = "foo.ims"

TABLE = """\
device foo "Network card" {
    pci 1af4:1234;
    store table: msix;
    vector misc = table[0] "errors";
    pool rx = table[1..] "queues" { dedicated; }
}
"""

IOMEM = """\
device foo "Network card" {
    pci 1af4:1234;
    requires remapping;
    store ims: iomem {
        bar 0;
        offset 0x1000;
        slots 8;
        slot 16 {
            address_lo @0;
            address_hi @4;
            data @8;
            control @12 {
                mask bit 0;
                queue bits 31:16 cookie optional;
            }
        }
    }
    pool rx = ims "queues" { dedicated; }
}
"""

PLATFORM = """\
device foo "Network card" {
    platform "vendor,card";
    architecture arm64;
    store regs: registers {
        offset 0x300;
        slots 8;
        slot 16 { address @0; data @8; control @12 { mask bit 0; } }
    }
    vector misc = regs[0] "errors";
}
"""

INDEXED = """\
device foo "Network card" {
    platform "vendor,card";
    architecture arm64;
    store regs: registers {
        offset 0x300;
        slots 8;
        unmaskable;
        slot 8 { address @0; data index; }
    }
    vector misc = regs[0] "errors";
}
"""

SHARED = IOMEM.replace("dedicated;", "share per cpu up to 8;")

TABLES = """\
device foo "Network card" {
    pci 1af4:1234;
    store ims: iomem {
        bar 0;
        table offset 0x1000 slots 8;
        table offset 0x2000 slots 8;
        mask_bits @0x100;
        pending @0x200;
        slot 16 { address_lo @0; address_hi @4; data @8; }
    }
    pool rx = ims "queues" { share per cpu up to 8; }
}
"""

MEMORY = """\
device foo "Network card" {
    pci 1af4:1234;
    store queue: memory {
        slots runtime max 64;
        slot 16 {
            address_lo @0;
            data @4;
            address_hi @8;
            control @12 { mask bit 0; }
        }
    }
    pool rx = queue "queues" { dedicated; }
}
"""

COMMAND = """\
device foo "Network card" {
    pci 1af4:1234;
    store table: msix;
    store eq: command {
        slots 64;
        cookie queue optional;
    }
    vector misc = table[0] "errors";
    pool rx = table[1..16] "queues" { share least loaded up to 8; dedicated; reserve 2; }
    pool tx = eq "more queues" { dedicated; }
    subdevice port max 4 {
        vector rx;
        vectors tx 1..8;
    }
}
"""

SEVERAL = """\
device foo "Network card" {
    pci 1af4:1234;
    store eq: command {
        slots runtime max 64;
        cookie queue optional;
    }
    store cq: command { slots 8; }
    pool rx = eq + cq "queues" { dedicated; }
}
"""

MANAGED = """\
device foo "Disk" {
    pci 1af4:1234;
    store table: msix;
    vector admin = table[0] "admin queue";
    pool io = table[1..] "queues" { managed; }
}
"""

FAMILY = """\
include "family.ims";

device foo "Network card" {
    pci 1af4:1234;
    requires remapping;
    store queue: memory {
        slots 64;
        unmaskable;
        slot ring;
    }
    pool rx = queue "queues" { dedicated; }
}
"""

LAYOUT = """\
slot ring 8 {
    address_lo @0;
    data @4;
}
"""

NAMED = LAYOUT + "\n" + FAMILY.split("\n", 2)[2]


@dataclass(frozen=True)
class Example:
    """A layout with one mistake, and the same without it."""

    bad: str | bytes
    good: str
    #: What the files hold that are included by the one and by the other.
    bad_files: Mapping[str, str] = field(default_factory=dict)
    good_files: Mapping[str, str] = field(default_factory=dict)
    #: What is said of a bad layout that is too large to be shown.
    shown: str = ""
    #: Codes that come along.
    also: tuple[str, ...] = ()

    def check(self, good: bool) -> Result:
        """What the checker says of one of the two."""
        text = self.good if good else self.bad
        return _check(text, self.good_files if good else self.bad_files)


def _check(text: str | bytes, files: Mapping[str, str]) -> Result:
    raw = text.encode() if isinstance(text, str) else text
    if not files:
        return load(NAME, raw)
    with tempfile.TemporaryDirectory(prefix="imsgen-") as folder:
        for name, inner in {**files, NAME: raw.decode()}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(inner)
        return load(os.path.join(folder, NAME))


def explain(code: str) -> str:
    """A page of text about a code of the catalogue."""
    entry, example = CODES[code], EXAMPLES[code]
    findings = [item for item in example.check(good=False).diagnostics if item.code == code]
    shown = render(findings[:1])
    if example.bad_files and findings:
        shown = shown.replace(os.path.dirname(findings[0].span.source.name) + os.sep, "")
    bad = example.bad.decode("utf-8", "replace") if isinstance(example.bad, bytes) else example.bad
    parts = [
        f"{code}, {entry.severity.value}: {entry.meaning}\n",
        _wrapped(entry.explanation),
        "Bad:\n",
        _indented(example.shown + "\n" if example.shown else bad),
        *(f"{_indented(f'# {name}')}{_indented(t)}" for name, t in _few(example.bad_files)),
        _indented(shown.rstrip("\n")),
        "Good:\n",
        _indented(example.good),
        *(f"{_indented(f'# {name}')}{_indented(t)}" for name, t in _few(example.good_files)),
    ]
    return "\n".join(parts)


def _few(files: Mapping[str, str]) -> list[tuple[str, str]]:
    return list(files.items()) if len(files) < 4 else []


def _wrapped(text: str) -> str:
    from textwrap import fill

    return fill(text, 88, break_long_words=False, break_on_hyphens=False) + "\n"


def _indented(text: str) -> str:
    return "".join(f"    {printable(line)}".rstrip() + "\n" for line in text.splitlines())


def _case(base: str, good: str, bad: str, place: str = "") -> Example:
    """``base`` with ``bad`` or ``good`` at ``place``, which is ``good`` where it isn't given."""
    place = place or good
    assert base.count(place) == 1, (place, base)
    return Example(base.replace(place, bad), base.replace(place, good))


def _behind(base: str, place: str, bad: str, good: str = "") -> Example:
    """``base``, with a line more behind ``place``."""
    indent = base[base.rindex("\n", 0, base.index(place)) + 1 : base.index(place)]
    more = f"\n{indent}{good}" if good else ""
    return _case(base, place + more, f"{place}\n{indent}{bad}", place)


def _without(base: str, line: str) -> Example:
    """``base`` without a line, and with it."""
    (found,) = [item for item in base.splitlines(keepends=True) if item.strip() == line]
    return _case(base, found, "")


def _family(bad: str, files: Mapping[str, str]) -> Example:
    return Example(bad, FAMILY, files, {"family.ims": LAYOUT})


_MISC = 'vector misc = table[0] "errors";'
_SECOND = f"store more: command {{ slots 8; }}\n    {_MISC.replace('table', 'more')}"
_EIGHT = "\n    ".join(
    ["store cq: command { slots 8; }"]
    + [f"store q{n}: command {{ slots 8; }}\n    vector v{n} = q{n}[0];" for n in range(1, 8)]
)
_RX = 'pool rx = table[1..] "queues" { dedicated; }'

EXAMPLES: dict[str, Example] = {
    # Files.
    "IMS001": Example(
        FAMILY.replace("family", "famly"), FAMILY, {"family.ims": LAYOUT}, {"family.ims": LAYOUT}
    ),
    "IMS002": Example(b"#" * (MAX_BYTES + 1), TABLE, shown=f"A file of {MAX_BYTES + 1:,} bytes."),
    "IMS003": Example(
        f"# Müller's card, in Latin-1\n{TABLE}".encode("latin-1"),
        f"# Müller's card, in UTF-8\n{TABLE}",
    ),
    "IMS004": _case(TABLE, "msix; # the table", "msix; # the \u202eelbat", "msix;"),
    "IMS005": Example(LAYOUT, NAMED),
    "IMS006": Example("device foo " + "{ a " * 17 + "}" * 17 + "\n", TABLE),
    "IMS007": _case(TABLE, '"errors"', '"errors'),
    "IMS008": _case(IOMEM, "0x1000", "01000"),
    "IMS009": _case(IOMEM, "0x1000", "0x" + 4 * "0000_" + "0000_1000"),
    # Syntax.
    "IMS010": _case(TABLE, "table[0]", "table[]"),
    "IMS011": _case(TABLE, "store table: msix;", "store table: msix"),
    "IMS012": _case(IOMEM, "        }\n    }\n", "        }\n"),
    "IMS013": _case(TABLE, _RX, _RX + "\n}", _RX),
    "IMS015": _case(TABLE, "vector misc", "vecter misc"),
    "IMS016": _case(TABLE, "# The table.\n    store", "/* The table. */\n    store", "store"),
    "IMS017": Example(
        TABLE.replace(_MISC, "\n".join(f"vector v{n} = tabel[{n}];" for n in range(501))),
        TABLE,
        shown="A file with 501 mistakes.",
        also=("IMS027",),
    ),
    "IMS018": Example("#define QUEUES 64\n\n" + TABLE, TABLE),
    # Names.
    "IMS020": _case(TABLE, "vector misc", "vector Misc"),
    "IMS021": _case(TABLE, "vector misc", "vector errors_and_some_other_events"),
    "IMS022": _case(TABLE, "pool rx", "pool register"),
    "IMS023": _case(TABLE, "pool rx", "pool current"),
    "IMS024": _case(TABLE, "vector misc", "vector rx"),
    "IMS025": Example(
        f'{TABLE}\n{TABLE.replace("foo", "FOO").replace("1234", "1235")}',
        f'{TABLE}\n{TABLE.replace("foo", "foo2").replace("1234", "1235")}',
        also=("IMS020",),
    ),
    "IMS026": _case(TABLE, "pool rx", "pool irqs"),
    "IMS027": _case(TABLE, "misc = table[0]", "misc = tabel[0]"),
    # Texts.
    "IMS030": _case(TABLE, '"errors"', '"errors "'),
    "IMS031": _case(
        TABLE, '"errors"', '"errors of the link, of the queues, of the memory and of all the rest"'
    ),
    "IMS032": _case(TABLE, '"Network card"', '"Netzwerkkarte für PCI"'),
    "IMS033": _case(TABLE, '"errors and events"', '"errors */ events"', '"errors"'),
    "IMS034": _case(TABLE, '"half of the errors"', '"50 % of the errors"', '"errors"'),
    "IMS035": _case(TABLE, '"errors, from the link"', '"Subject: errors"', '"errors"'),
    "IMS036": _behind(
        TABLE, "pci 1af4:1234;", 'path "../drivers/net/foo";', 'path "drivers/net/foo";'
    ),
    "IMS037": _behind(
        TABLE,
        "pci 1af4:1234;",
        'maintainer "jane@example.org";',
        'maintainer "Jane Doe <jane@example.org>";',
    ),
    # Properties.
    "IMS040": _behind(IOMEM, "bar 0;", "bar 2;"),
    "IMS041": _without(IOMEM, "bar 0;"),
    "IMS042": _case(TABLE, "1af4:1234", "1af4:123"),
    "IMS043": _behind(TABLE, "pci 1af4:1234;", "pci 1af4:1234;", "pci 1af4:1235;"),
    "IMS044": _without(TABLE, "pci 1af4:1234;"),
    "IMS045": Example('device foo "Network card" { }\n', TABLE),
    "IMS046": Example(TABLE[: TABLE.index("    vector")] + "}\n", TABLE),
    "IMS047": _behind(SHARED, "requires remapping;", "remapping optional;"),
    "IMS048": _case(IOMEM, "requires remapping;", "remapping optional;"),
    # Layout.
    "IMS050": _case(IOMEM, "bar 0;", "bar 6;"),
    "IMS051": _case(IOMEM, "slots 8;", "slots 0;"),
    "IMS052": _case(IOMEM, "slots runtime max 64;", "slots runtime;", "slots 8;"),
    "IMS053": _case(IOMEM, "slot 16", "slot 18"),
    "IMS054": _case(IOMEM.replace("slot 16", "slot 32"), "data @20;", "data @18;", "data @8;"),
    "IMS055": _case(IOMEM, "control @12", "control @16"),
    "IMS056": _case(IOMEM, "data @8;", "data @4;"),
    "IMS057": _case(IOMEM, "data @8 width 16;", "data @8 width 24;", "data @8;"),
    "IMS058": _case(IOMEM, "address_lo @0;", "address @0;"),
    "IMS059": _case(IOMEM, "0x1000", "0xffff_fff0"),
    "IMS060": _case(IOMEM, "0x1000", "0x1002"),
    "IMS061": _case(
        SHARED.replace("    requires remapping;\n", ""), "                mask bit 0;\n", ""
    ),
    "IMS062": _case(IOMEM, "mask bit 0;", "mask bit 32;"),
    "IMS063": _case(IOMEM, "bits 31:16", "bits 32:16"),
    "IMS064": _case(IOMEM, "bits 31:16", "bits 16:31"),
    "IMS065": _case(IOMEM, "bits 31:16", "bits 31:0"),
    "IMS066": _behind(IOMEM, "mask bit 0;", "pasid_enable bit 1;", "queue_enable bit 1;"),
    "IMS067": _case(
        TABLE, _SECOND, _SECOND.replace("more: command { slots 8; }", "more: msix;"), _MISC
    ),
    "IMS068": _behind(IOMEM, "mask bit 0;", "mode bits 3:2 = 4;", "mode bits 3:2 = 3;"),
    "IMS069": _case(
        IOMEM.replace("slot 16", "slot 24").replace("control @12", "control @16 width 64"),
        "queue bits 31:16 cookie optional;",
        "queue bits 63:16 cookie optional;",
    ),
    # Vectors and pools.
    "IMS070": _case(TABLE, "table[0]", "table[2048]"),
    "IMS071": _behind(
        TABLE.replace("table[1..]", "table[2..]"),
        _MISC,
        'vector tick = table[0] "a timer";',
        'vector tick = table[1] "a timer";',
    ),
    "IMS072": _case(TABLE, "table[0]", "table[1]"),
    "IMS073": _case(TABLE, "table[1..16]", "table[16..1]", "table[1..]"),
    "IMS074": _case(TABLE, "table[1..2047]", "table[1..2048]", "table[1..]"),
    "IMS075": _behind(
        TABLE.replace("table[1..]", "table[1..8]"),
        _RX.replace("table[1..]", "table[1..8]"),
        'pool tx = table[8..] "more queues" { dedicated; }',
        'pool tx = table[9..] "more queues" { dedicated; }',
    ),
    "IMS076": _case(TABLE, "{ dedicated; }", "{ }"),
    "IMS077": _case(
        TABLE, "{ share per cpu up to 8; }", "{ share per cpu up to 0; }", "{ dedicated; }"
    ),
    "IMS078": _case(COMMAND, "pool tx = eq", "pool tx = table[17..]"),
    # Included files and named layouts.
    "IMS079": _case(
        IOMEM.replace("pool rx = ims", "vector misc = ims[0];\n    pool rx = ims[1..]"),
        "cookie optional",
        "cookie",
    ),
    "IMS080": _family(FAMILY, {"family.ims": f'include "{NAME}";\n\n{LAYOUT}'}),
    "IMS081": _family(FAMILY, {"family.ims": LAYOUT + "\n" + TABLE.replace("foo", "bar")}),
    "IMS082": Example(
        FAMILY,
        FAMILY,
        {
            "family.ims": 'include "part0.ims";\n',
            **{f"part{n}.ims": f'include "part{n + 1}.ims";\n' for n in range(70)},
            "part70.ims": LAYOUT,
        },
        {"family.ims": LAYOUT},
        shown="A file that includes another, which includes one more, and so on 70 times.",
    ),
    "IMS083": Example(
        f'include "family.ims";\n\n{TABLE}', FAMILY, {"family.ims": LAYOUT}, {"family.ims": LAYOUT}
    ),
    "IMS084": _case(NAMED, "slot ring;", "slot rings;"),
    "IMS085": Example(f"{LAYOUT}\n{TABLE}", NAMED),
    # Kinds of stores.
    "IMS090": _behind(COMMAND, "pci 1af4:1234;", "remapping optional;", "requires remapping;"),
    "IMS091": _case(
        TABLE, _SECOND, _SECOND.replace("more: command { slots 8; }", "more: msi;"), _MISC
    ),
    "IMS092": _case(MEMORY, "slot 16", "slot 20"),
    "IMS093": Example(
        MEMORY.replace("data @4", "data @8").replace("address_hi @8", "address_hi @4"), MEMORY
    ),
    "IMS094": _behind(IOMEM, "slots 8;", "mask_bits @0x100;", "pending @0x100;"),
    "IMS095": _behind(TABLES, "bar 0;", "slots 16;"),
    "IMS096": _case(TABLES, "0x2000", "0x1040"),
    "IMS097": _case(
        TABLES.replace("    store ims", "    requires remapping;\n    store ims").replace(
            "        mask_bits @0x100;\n", ""
        ),
        "        mask_bits @0x100;\n        pending @0x200;\n",
        "        unmaskable;\n        pending @0x200;\n",
        "        pending @0x200;\n",
    ),
    "IMS098": _behind(IOMEM, "slots 8;", "unmaskable;"),
    "IMS099": _case(
        MEMORY,
        "mask bit 0; mode bit 4 set;",
        "mask bit 0; mode bit 4 read only;",
        "mask bit 0;",
    ),
    # Policies.
    "IMS100": _case(MANAGED, "{ managed; }", "{ managed; dedicated; }"),
    "IMS101": Example(
        MANAGED.replace("store table: msix;", "store table: exported { slots 8; }"), MANAGED
    ),
    "IMS102": _case(MANAGED, "table[1..]", "table[1..8]"),
    "IMS103": _behind(
        MANAGED.replace("table[1..]", "table[2..]"),
        'vector admin = table[0] "admin queue";',
        'pool log = table[1] "log pages" { dedicated; }',
        'vector log = table[1] "log pages";',
    ),
    "IMS104": _case(
        COMMAND,
        "{ share least loaded up to 8; dedicated; reserve 2; }",
        "{ dedicated; reserve 2; }",
    ),
    "IMS105": _case(COMMAND, "reserve 2", "reserve 20"),
    "IMS106": _case(
        TABLE,
        "{ share least loaded up to 8; cpus node; }",
        "{ share per cpu up to 8; cpus node; }",
        "{ dedicated; }",
    ),
    # Subdevices.
    "IMS107": _case(
        TABLE.replace("msix", "msi"), f"{_MISC}\n    {_RX}", _RX.replace("table[1..]", "table")
    ),
    "IMS110": _case(COMMAND, "port max 4", "port max 0"),
    "IMS111": _case(
        COMMAND,
        "{\n        vector rx;\n        vectors tx 1..8;\n    }",
        "{ }",
    ),
    "IMS112": _case(COMMAND, "vector rx;", "vector misc;"),
    "IMS113": _behind(COMMAND, "vector rx;", "vectors rx 1..4;"),
    "IMS114": _case(COMMAND, "tx 1..8", "tx 8..1"),
    "IMS115": _case(
        MANAGED.replace("table[1..]", "table[2..]"),
        "}\n}\n",
        "}\n    subdevice port max 4 { vector io; }\n}\n",
    ),
    "IMS116": _case(COMMAND, "tx 1..8", "tx 65..80"),
    "IMS118": _case(COMMAND, "port max 4", "port max 80"),
    # Requirements.
    "IMS120": _behind(TABLE, "pci 1af4:1234;", "architecture amd64;", "architecture x86_64;"),
    "IMS121": _behind(TABLE, "pci 1af4:1234;", "requires 0 vectors;", "requires 8 vectors;"),
    "IMS122": _behind(TABLE, "pci 1af4:1234;", "requires 4000 vectors;", "requires 8 vectors;"),
    "IMS123": _behind(IOMEM, "pci 1af4:1234;", "architecture mips;", "architecture x86_64, mips;"),
    "IMS130": _behind(
        TABLE.replace("table[1..]", "table[8..]"),
        _MISC,
        "vector err[4] = table[1..5];",
        "vector err[4] = table[1..4];",
    ),
    "IMS131": _behind(
        IOMEM.replace("= ims", "= ims[1..]"),
        'pool rx = ims[1..] "queues" { dedicated; }',
        "vector err = ims[runtime max 0];",
        "vector err = ims[0];",
    ),
    "IMS132": _behind(
        TABLE.replace("table[1..]", "table[2..]"),
        _MISC,
        "vector err = table[1] optional;",
        "vector err = table[1];",
    ),
    "IMS133": _behind(TABLE, _MISC, "vector err = mics;", "vector err = misc;"),
    "IMS134": _behind(TABLE, _MISC, "vector err = misc oneshot;", "vector err = misc;"),
    "IMS135": _behind(
        TABLE.replace('    pool rx = table[1..] "queues" { dedicated; }\n', ""),
        _MISC,
        "vector err = table[last];",
        "vector err = table[1];",
    ),
    "IMS136": _case(SEVERAL, "max 64", "max 65_530"),
    "IMS137": _case(SEVERAL, "slots 8;", "slots 8; cookie tag optional;"),
    "IMS138": _case(SEVERAL, "store cq: command { slots 8; }", _EIGHT),
    "IMS140": _behind(
        IOMEM.replace("bar 0;", "bar runtime;"),
        "bar runtime;",
        "pending @0x400;",
        "pending bar 2 @0x400;",
    ),
    "IMS141": _case(
        TABLE.replace("table: msix;", "table: msix { slots 64; }"),
        "slots 64;",
        "slots runtime max 64;",
    ),
    # Platform devices.
    "IMS148": _case(PLATFORM, '"vendor,card"', '"card"'),
    "IMS149": _behind(PLATFORM, 'platform "vendor,card";', "pci 1af4:1234;"),
    "IMS150": _case(TABLE, "pci 1af4:1234;", 'platform "vendor,card";'),
    "IMS151": _case(PLATFORM, "architecture arm64;", "architecture x86_64;"),
    "IMS152": _behind(PLATFORM, "architecture arm64;", "requires remapping;"),
    "IMS153": _case(
        PLATFORM.replace(" control @12 { mask bit 0; }", "").replace(
            "slots 8;", "slots 8;\n        unmaskable;"
        ),
        "architecture arm64;",
        "architecture riscv;",
    ),
    "IMS154": _case(
        PLATFORM, "{ mask bit 0; }", "{ mask bit 0; queue bits 31:16 cookie optional; }"
    ),
    "IMS155": _case(PLATFORM.replace('"errors"', '"errors" oneshot'), "oneshot", "threaded"),
    "IMS156": _case(IOMEM, "data @8;", "data index;"),
    "IMS157": _case(
        INDEXED,
        "offset 0x300;\n        slots 8;",
        "table offset 0x300 slots 4;\n        table offset 0x400 slots 4;",
    ),
    "IMS158": _case(INDEXED, "architecture arm64;", "architecture riscv, arm64;"),
}
