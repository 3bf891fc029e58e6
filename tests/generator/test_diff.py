"""``imsgen diff``: seeded changes, each graded by hand beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.compare import RULES, Area, Severity, compare
from imsgen.dsl.diagnostics import render
from imsgen.dsl.model import Device

from .conftest import EXAMPLES, REPOSITORY
from .sarif_model import check_log

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

BASE = """\
device nic "Network card" {
    pci 1af4:1234;
    pci 1af4:1235;
    maintainer "Jane Doe <jane@example.org>";
    architecture x86_64, arm64;
    requires remapping;
    requires 8 vectors;
    store table: msix;
    store ims: iomem {
        bar 0;
        offset 0x1000;
        slots runtime max 512;
        pending @0x800;
        slot 16 {
            address_lo @0;
            address_hi @4;
            data @8;
            control @12 {
                mask bit 0;
                pasid bits 31:12 cookie optional;
                pasid_enable bit 3;
            }
        }
    }
    vector misc = table[0] "errors" threaded;
    vector tick = table[1] "a timer";
    pool rx = table[2..] + ims[0..99] "queues" { share per cpu up to 8; dedicated; reserve 4; }
    pool tx = ims[100..] "more queues" { share least loaded up to 8; }
    subdevice sf max 64 {
        vectors rx 2..8;
        vector tx;
    }
}
"""

QUEUES = '"queues" { share per cpu up to 8; dedicated; reserve 4; }'

#: What is replaced by what, and what that is: rules with `!` for breaking, `+` for compatible,
#: `=` for texts only.  Graded by hand.
SEEDED = {
    # Texts.
    "title": ('"Network card"', '"Network adapter"', "=texts"),
    "purpose": ('"errors"', '"errors and events"', "=texts"),
    "maintainer": ("Jane Doe", "John Doe", "=texts"),
    # The device and its platforms.
    "renamed": ("device nic", "device card", "!device-renamed"),
    "id added": ("pci 1af4:1235;", "pci 1af4:1235; pci class 020000;", "+ids"),
    "id removed": ("    pci 1af4:1235;\n", "", "!ids"),
    "id changed": ("1af4:1235", "1af4:1236", "!ids +ids"),
    "folder": ("requires remapping;", 'requires remapping; path "drivers/net/nic";', "+path"),
    "remapping lifted": ("requires remapping;", "remapping optional;", "+remapping"),
    "architecture lost": ("x86_64, arm64", "x86_64", "!architectures"),
    "architecture more": ("x86_64, arm64", "x86_64, arm64, riscv", "+architectures"),
    "all architectures": ("    architecture x86_64, arm64;\n", "", "+architectures"),
    "needs more": ("requires 8 vectors", "requires 9 vectors", "!minimum"),
    "needs fewer": ("requires 8 vectors", "requires 4 vectors", "+minimum"),
    # The hardware.
    "bar": ("bar 0;", "bar 2;", "!store-place"),
    "bar at run time": (
        "bar 0;\n        offset 0x1000;\n        slots runtime max 512;\n        pending",
        "bar runtime; offset 0x1000; slots runtime max 512; pending bar 0",
        "!store-params !store-place",
    ),
    "offset": ("0x1000", "0x2000", "!store-place"),
    "offset at run time": ("0x1000", "runtime", "!store-params"),
    "same offset": ("0x1000", "4_096", ""),
    "slots fixed": ("slots runtime max 512", "slots 512", "!store-params"),
    "fewer slots": ("max 512", "max 256", "!store-slots"),
    "more slots": ("max 512", "max 1024", "+store-slots"),
    "size of MSI-X": ("table: msix;", "table: msix { slots 64; }", "!store-slots"),
    "stride": ("slot 16", "slot 32", "!slot-layout"),
    "byte order": ("slot 16", "slot 16 big endian", "!slot-layout"),
    "other order": (
        "address_lo @0;\n            address_hi @4;",
        "address_hi @4;\n            address_lo @0;",
        "",
    ),
    "one register": ("address_lo @0;\n            address_hi @4;", "address @0;", ""),
    "data moved": ("data @8;", "data @8 width 16;", "!slot-layout"),
    "no high half": ("            address_hi @4;\n", "", "!slot-layout"),
    "mask bit": ("mask bit 0;", "mask bit 1;", "!slot-layout"),
    "mask polarity": ("mask bit 0;", "mask bit 0 active low;", "!slot-layout"),
    "pending moved": ("pending @0x800;", "pending @0x900;", "!store-place"),
    "no pending": ("        pending @0x800;\n", "", "+pending"),
    "fixed bit": ("mask bit 0;", "mask bit 0; msg bit 4 set;", "!slot-layout"),
    "fixed at 0": ("mask bit 0;", "mask bit 0; mode bits 6:4 = 0;", "+slot-layout"),
    "driver's field": ("mask bit 0;", "mask bit 0; prio bits 6:4 driver;", "+slot-layout"),
    "device's bit": ("mask bit 0;", "mask bit 0; error bit 4 read only;", "+slot-layout"),
    "driver's register": ("slot 16 {", "slot 32 { register rate @16;", "!slot-layout !slot-layout"),
    "address bits": ("data @8;", "data @8; address bits 55:2;", "!slot-layout"),
    "enable bit": ("pasid_enable bit 3;", "pasid_enable bit 4;", "!slot-layout"),
    "index moved": (
        'table[1] "a timer";\n    pool rx = table[2..]',
        'table[2] "a timer";\n    pool rx = table[3..]',
        "!vector-moved !pool-smaller",
    ),
    # What a driver calls and gives.
    "cookie required": ("cookie optional;", "cookie;", "!cookie"),
    "cookie narrower": ("bits 31:12", "bits 31:16", "!slot-layout"),
    "another cookie": (
        "mask bit 0;",
        "mask bit 0; queue bits 11:4 cookie optional;",
        "+cookie",
    ),
    "store renamed": ("ims", "slots_of_its_own", "!store-renamed"),
    "context": ("threaded", "oneshot", "!vector-context"),
    "vector array": ("tick = table[1]", "tick[1] = table[1..1]", "!vector-form"),
    "vector at run time": ("tick = table[1]", "tick = table[runtime max 1]", "!vector-form"),
    "vector shared": (
        '    vector tick = table[1] "a timer";\n',
        '    vector tick = misc "a timer";\n',
        "!vector-removed +vector-added",
    ),
    "vector renamed": ("vector tick", "vector timer", "!vector-renamed"),
    "vector gone": ('    vector tick = table[1] "a timer";\n', "", "!vector-removed"),
    "vector new": (
        '"a timer";\n    pool rx = table[2..]',
        '"a timer";\n    vector tock = table[2];\n    pool rx = table[3..]',
        "+vector-added !pool-smaller",
    ),
    "pool renamed": ("rx", "queue", "!pool-renamed !subdevice-numbers"),
    "pool smaller": ("ims[0..99]", "ims[0..89]", "!pool-smaller"),
    "pool larger": (
        f"ims[0..99] {QUEUES}\n    pool tx = ims[100..]",
        f"ims[0..109] {QUEUES}\n    pool tx = ims[110..]",
        "+pool-larger !pool-smaller",
    ),
    "pool order": ("table[2..] + ims[0..99]", "ims[0..99] + table[2..]", "+pool-order"),
    "same ranges": ("ims[0..99]", "ims[0..49] + ims[50..99]", "+pool-order"),
    "no sharing": (
        "share per cpu up to 8; dedicated; reserve 4;",
        "dedicated;",
        "!pool-policy !pool-reserve",
    ),
    "who chooses": (
        "share per cpu up to 8",
        "share least loaded up to 8",
        "!pool-policy +pool-policy",
    ),
    "dedicated too": (
        "{ share least loaded up to 8; }",
        "{ share least loaded up to 8; dedicated; }",
        "+pool-policy",
    ),
    "more users": ("loaded up to 8", "loaded up to 16", "+pool-limit"),
    "fewer users": ("loaded up to 8", "loaded up to 4", "!pool-limit"),
    "reserve": ("reserve 4", "reserve 8", "!pool-reserve"),
    "near cpus": ("loaded up to 8;", "loaded up to 8; cpus node;", "+pool-cpus"),
    "fewer subdevices": ("max 64", "max 32", "!subdevice-maximum"),
    "more subdevices": ("max 64", "max 128", "+subdevice-maximum"),
    "more of each": ("rx 2..8", "rx 2..16", "+subdevice-counts"),
    "less of each": ("rx 2..8", "rx 1..8", "!subdevice-counts"),
    "numbers": (
        "        vectors rx 2..8;\n        vector tx;\n",
        "        vector tx;\n        vectors rx 2..8;\n",
        "!subdevice-numbers",
    ),
    "no subdevices": (
        "    subdevice sf max 64 {\n        vectors rx 2..8;\n        vector tx;\n    }\n",
        "",
        "!subdevice-removed",
    ),
    # Nothing.
    "comment": ("bar 0;", "bar 0; # the first", ""),
    "layout": ("bar 0;\n        offset", "bar 0; offset", ""),
}

GRADES = {Severity.BREAKING: "!", Severity.COMPATIBLE: "+", Severity.TEXT: "="}
CODES = {"!": 4, "+": 3, "=": 0, "": 0}


@cache
def devices(name: str, text: str) -> tuple[Device, ...]:
    """The devices of a text without errors."""
    result = load(name, text.encode())
    assert result.ok, render(result.diagnostics)
    return result.devices


def found(old: str, new: str) -> list[str]:
    """The changes between two texts, as in the table."""
    changes = compare(devices("old.ims", old), devices("new.ims", new))
    assert all(item.old or item.new for item in changes)
    return [GRADES[item.severity] + item.rule for item in changes]


@pytest.mark.parametrize("name", SEEDED)
def test_seeded(name: str) -> None:
    was, now, wanted = SEEDED[name]
    assert was in BASE
    assert sorted(found(BASE, BASE.replace(was, now))) == sorted(wanted.split())


def test_every_rule_is_seeded() -> None:
    graded = " ".join(wanted for _, _, wanted in SEEDED.values()) + " " + MORE
    assert {word[1:] for word in graded.split()} == set(RULES)
    assert {area for area, _ in RULES.values()} == set(Area)
    assert len(SEEDED) >= 20


#: Graded by tests of their own below.
MORE = (
    "!cookie !device-removed +device-added +store-added !store-removed !store-kind +pool-added "
    "!pool-removed +subdevice-added !vector-optional"
)

EQ = """\
device two "Two" {
    pci 1af4:0002;
    store table: msix;
    %s
    pool a = table[8..] { dedicated; }
    %s
}
"""


def test_vectors_that_may_be_missing() -> None:
    base = EQ.replace("    pool a = table[8..] { dedicated; }\n", "")
    always, optional = (
        base % (f"vector a[2] = table[0..1]{how};", "") for how in ("", " optional")
    )
    assert found(always, optional) == ["!vector-optional"]
    assert found(optional, always) == ["+vector-optional"]


def test_what_a_shared_vector_is_changes() -> None:
    base = EQ % ("vector a1 = table[0]; vector a2 = table[1];", "vector b = a1 %s;")
    assert found(base % "", base % '"text"') == ["=texts"]
    assert found(base % "", base % "threaded") == ["!vector-context"]
    assert found(base % "", base.replace("= a1", "= a2") % "") == ["!vector-moved"]


def test_devices_come_and_go() -> None:
    two = EQ % ("", "")
    assert found(BASE, BASE + two) == ["+device-added"]
    assert found(BASE + two, BASE) == ["!device-removed"]


@pytest.mark.parametrize(
    ("store", "use", "wanted"),
    [
        ("", "pool b = table[0..7] { dedicated; }", "+pool-added"),
        ("", "subdevice sf max 2 { vector a; }", "+subdevice-added"),
        (
            "store more: iomem { bar 0; offset 0; slots 8; slot 16 { address_lo @0; data @4; "
            "control @8 { mask bit 0; } } }",
            "pool b = more { dedicated; }",
            "+store-added +pool-added +remapping",
        ),
        ("store more: command { slots 8; }", "pool b = more { dedicated; }", "!store-added"),
        ("store more: exported { slots 8; }", "vector b = more[0];", "!store-added"),
    ],
)
def test_what_is_new(store: str, use: str, wanted: str) -> None:
    made = found(EQ % ("", ""), EQ % (store, use))
    assert set(wanted.split()) - {"+remapping"} <= set(made)
    gone = found(EQ % (store, use), EQ % ("", ""))
    assert {item[1:].replace("added", "removed") for item in made} == {item[1:] for item in gone}
    assert all(item[0] == "!" for item in gone if "remapping" not in item)


MASKED = """\
device three {
    pci 1af4:0003;
    store ims: iomem {
        bar 0;
        offset 0x1000;
        slots 8;
        %s
        slot 16 { address_lo @0; address_hi @4; data @8; %s }
    }
    pool a = ims { share per cpu up to 8; }
}
"""


def test_a_mask_bit_that_goes_elsewhere() -> None:
    inside = MASKED % ("", "control @12 { mask bit 0; }")
    outside = MASKED % ("mask_bits @0x100;", "")
    assert sorted(found(inside, outside)) == ["!slot-layout", "!slot-layout", "!store-place"]
    assert found(outside, outside.replace("@0x100", "@0x200")) == ["!store-place"]
    assert found(outside, outside.replace("@0x100", "@0x100 active low")) == ["!store-place"]
    assert found(outside, outside.replace("@0x100", "bar 0 @0x100")) == []
    split = "table offset 0x1000 slots 4; table offset 0x2000 slots 4;"
    tables = outside.replace("offset 0x1000;\n        slots 8;", split)
    assert found(outside, tables) == ["!store-place"]
    assert found(tables, tables.replace("0x2000 slots 4", "0x2000 slots 8")) == ["!store-place"]


def test_a_window_that_goes_elsewhere() -> None:
    store = "store more: indirect { bar 0; select @0x10; window @0x20; slots 8; slot 16 { "
    store += "address @0; data @8; control @12 { mask bit 0; } } }"
    before = EQ % (store, "pool b = more { share per cpu up to 8; }")
    assert found(before, before) == []
    for was, now in (("select @0x10", "select @0x14"), ("@0x20", "@0x40"), ("bar 0", "bar 1")):
        assert found(before, before.replace(was, now)) == ["!store-place"]


def test_kinds_of_stores() -> None:
    made = found(
        EQ % ("store more: command { slots 8; }", "pool b = more { dedicated; }"),
        EQ % ("store more: exported { slots 8; }", "pool b = more { dedicated; }"),
    )
    assert made == ["!store-kind"]


@pytest.mark.parametrize(
    "path",
    [*sorted(EXAMPLES.glob("*.ims")), *sorted((REPOSITORY / "tests" / "layouts").glob("*.ims"))],
    ids=lambda path: path.stem,
)
def test_nothing_changes_from_a_layout_to_itself(path: Path, imsgen: Run, capfd: Capture) -> None:
    assert imsgen("diff", path, path) == 0
    assert capfd.readouterr() == ("no change\n", "")


@pytest.mark.parametrize("name", ["title", "more slots", "mask bit", "comment"])
def test_exit_codes_and_forms(name: str, imsgen: Run, capfd: Capture) -> None:
    was, now, wanted = SEEDED[name]
    Path("old.ims").write_text(BASE)
    Path("new.ims").write_text(BASE.replace(was, now))
    code = CODES[wanted[:1]]
    assert imsgen("diff", "old.ims", "new.ims", "--json") == code
    made = json.loads(capfd.readouterr().out)
    assert [item["rule"] for item in made["changes"]] == ([wanted[1:]] if wanted else [])
    assert made["version"] == 1
    assert made["severity"] == (made["changes"][0]["severity"] if wanted else None)
    assert imsgen("diff", "old.ims", "new.ims", "--sarif") == code
    results = check_log(json.loads(capfd.readouterr().out))
    assert [item["ruleId"] for item in results] == ([wanted[1:]] if wanted else [])
    assert imsgen("diff", "old.ims", "new.ims") == code


def test_text(imsgen: Run, capfd: Capture) -> None:
    Path("old.ims").write_text(BASE)
    Path("new.ims").write_text(
        BASE.replace("mask bit 0;", "mask bit 31;")
        .replace("31:12", "30:12")
        .replace('"Network card"', '"NIC"')
        .replace("max 512", "max 1024")
        .replace("    pci 1af4:1235;\n", "")
    )
    assert imsgen("diff", "old.ims", "new.ims") == 4
    assert capfd.readouterr().out == """\
device nic
  breaking    hardware  pci 1af4:1235 is no longer found
                        old.ims:3
  breaking    hardware  store ims: a set bit 31 masks, a set bit 0 masks before
                        old.ims:19 -> new.ims:18
  breaking    hardware  store ims: the field of the cookie pasid is elsewhere
                        old.ims:20 -> new.ims:19
  compatible  hardware  store ims: slots: at most 1,024, 512 before
                        old.ims:12 -> new.ims:11
  text        texts     the title is "NIC"
                        old.ims:1 -> new.ims:1

3 breaking, 1 compatible, 1 text
"""


def test_standard_input(imsgen: Run, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    class Stdin:
        buffer = io.BytesIO(BASE.encode())

    monkeypatch.setattr("sys.stdin", Stdin())
    Path("old.ims").write_text(BASE)
    assert imsgen("diff", "old.ims", "-") == 0
    assert imsgen("diff", "-", "-") == 1
    assert imsgen("diff", "old.ims") == 2
