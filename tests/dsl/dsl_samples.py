"""Valid text to start from, and inputs that can't be stored as files."""

from __future__ import annotations

import re
from pathlib import Path

from imsgen.dsl.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
BAD = ROOT / "tests" / "bad"
WARNINGS = Path(__file__).with_name("warnings")
EXAMPLES = sorted((ROOT / "examples").glob("*.ims"))

SLOT = """\
        slot 16 {
            address_lo @0;
            address_hi @4;
            data @8;
            control @12 { mask bit 0; }
        }
"""

STORE = f"""\
    store ims: iomem {{
        bar 0;
        offset 0x1000;
        slots 8;
{SLOT}    }}
"""

MSIX = "    store table: msix;\n"


def device(*parts: str, name: str = "foo", pci: str = "    pci 1af4:1234;\n") -> str:
    """A device block around ``parts``, each a statement or several lines."""
    lines = [part if part.endswith("\n") else f"    {part}\n" for part in parts]
    return f"device {name} {{\n{pci}{''.join(lines)}}}\n"


def slot(*registers: str, stride: int = 16, endian: str = "", control: str = "mask bit 0;") -> str:
    """An iomem store with these registers in its slot; the control word at 12 if ``control``."""
    lines = "".join(f"            {register}\n" for register in registers)
    if control:
        lines += f"            control @12 {{ {control} }}\n"
    return (
        "    store ims: iomem {\n        bar 0;\n        offset 0x1000;\n        slots 8;\n"
        f"        slot {stride} {endian} {{\n{lines}        }}\n    }}\n"
    )


MEMORY = """\
    store q: memory {
        slots runtime max 4096;
        slot 16 { address_lo @0; data @4; address_hi @8; control @12 { mask bit 0; } }
    }
"""

COMMAND = """\
    store c: command {
        slots runtime max 65536;
        cookie queue;
        cookie pasid optional;
    }
"""

EXPORTED = "    store peer: exported { slots 16; }\n"

#: One valid file with everything of the language in it.
EVERYTHING = """\
# Everything that the language has.
// Both forms of comment.
device all "All of it" {
    pci 8086:0b25;
    pci 8086:11fb;
    pci class 010802;
    path "drivers/dma/all";
    maintainer "Jane Doe <jane@example.org>";
    maintainer "Jörg Müller <joerg@example.org>";
    requires remapping;
    requires 16 vectors;
    architecture x86_64, arm64;
    store table: msix;
    store ims: iomem {
        bar 2; offset runtime max 0x10_0000; slots runtime max 16_128;
        slot 32 big endian {
            control @24 width 32 {
                queue bits 31:16 cookie optional;
                queue_enable bit 5;
                pasid bits 15:8 cookie optional;
                mask bit 0 active low;
                edge bit 1 set; type bits 4:2 = 0x5; level bit 6 driver;
                late bit 7 pending;
            }
            data @20 width 16;
            address @8 width 64;
            address bits 55:2; register moderation @4; register credit @0 width 16;
        }
    }
    vector misc = table[0] "errors and events" threaded;
    vector admin = ims[0x0] oneshot;
    vector tick = table[1] "tick" hard;
    vector tock = tick "tock" threaded;
    pool wq = table[2..] + ims[1..7] + ims[9] "completions" {
        dedicated;
        share per cpu up to 8;
        reserve 4;
    }
    pool rx = ims[100..] { dedicated; cpus node; }
    pool load = ims[8] { share least loaded up to 64; cpus node; }
    subdevice sf max 1024 { vector load; vectors wq 1..256; }
}
slot family 16 little endian {
    address_lo @0; data @4; address_hi @8;
    control @12 { queue bits 15:0 cookie optional; }
}
device split "Tables, and bits elsewhere" {
    pci 8086:0001;
    store ims: iomem {
        bar 0; table offset 0x100 slots 16; table offset 0x800 slots 48;
        mask_bits bar 2 @0x400 active low; pending @0x500;
        slot family;
    }
    pool wq = ims { share per cpu up to 8; }
}
device board "On no bus" {
    platform "vendor,board"; acpi "ABCD0001"; architecture arm64, riscv;
    store regs: registers {
        offset 0x300; slots runtime max 8;
        slot 16 { address @0; data @8; control @12 { mask bit 0; } }
    }
    vector misc = regs[0]; pool q = regs[1..] { dedicated; }
}
device relay "Passed on" {
    platform "vendor,relay";
    store host: passed { slots 8; }
    vector misc = host[0];
}
""" + "".join(
    (
        device(
            MSIX,
            MEMORY,
            "vector a = q[0];",
            "pool io = table { managed; }",
            name="mem",
            pci="    pci 8086:0002;\n",
        ),
        device(
            "store m: msi;",
            COMMAND,
            "pool p = m[1..] + c { dedicated; }",
            name="cmd",
            pci="    pci 8086:0003;\n",
        ),
        device(EXPORTED, "vector only = peer[15];", name="other"),
        device(
            "requires remapping;",
            "store q: memory { slots 8; unmaskable; slot 16 { address_lo @0; data @4; } }",
            "vector v = q[0];",
            name="bare",
            pci="    pci 8086:0004;\n",
        ),
    )
)


def started(word: str, number: int) -> str:
    """What `imsgen new` writes for a kind of stores, without comments, as a device of its own."""
    text = (ROOT / "templates" / "new" / f"{word}.ims").read_text(encoding="utf-8")
    text = re.sub(r" *#.*\n", "\n", text).lstrip()
    text = text.replace("mydevice", f"new_{word}").replace("1af4:10f0", f"1af4:{number:04x}")
    return text.replace("ABCD0001", f"ABCD{number:04X}")


# Kinds of stores that nothing above has.
EVERYTHING += "".join(
    started(kind.word, 0x1100 + number)
    for number, kind in enumerate(KINDS)
    if f": {kind.word}" not in EVERYTHING
)

GOOD = device(STORE, "vector misc = ims[0];")

#: Inputs that are made here since no file can hold them nicely, by the name of their golden.
MADE: dict[str, bytes] = {
    "made-nul": GOOD.replace("foo {", 'foo "a\0b" {').replace("bar 0;", "bar\0 0;").encode(),
    "made-controls": GOOD.replace("bar 0;", "bar 0;\x1b[2J\r# \x7f").encode(),
    "made-bidi": GOOD.replace("bar 0;", "bar 0; # \u202e;0 rab")
    .replace("misc = ims[0]", 'misc = ims[0] "\u2066errors"')
    .encode(),
    "made-not-utf8": GOOD.replace("foo {", 'foo "Müller" {').encode("latin-1"),
    "made-utf16": GOOD.encode("utf-16"),
    "made-large": b"# padding\n" * 110_000,
    "made-deep": (b"device foo " + b"{" * 100_000),
    "made-deep-healthy": (GOOD + "device bar " + "{ a " * 17 + "}" * 17).encode(),
    "made-bom": ("\ufeff" + GOOD.replace("bar 0;", "bar 7;")).encode(),
    "made-long-line": GOOD.replace("bar 0;", " " * 300 + "bar 7;" + " " * 300).encode(),
    "made-long-name": GOOD.replace("misc", "m" * 100_000).encode(),
    "made-semicolons": (GOOD + ";" * 100_000).encode(),
    "made-garbage": b"\xc2\xa7$%&/()=?!" * 1000,
}

#: As :data:`MADE`, for inputs with very many findings: only the last of them is kept.
MADE_MANY: dict[str, bytes] = {
    "made-too-many": device(STORE, *(f"vector v{n} = other[{n}];" for n in range(600))).encode(),
}
