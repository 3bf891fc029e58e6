"""The end-to-end part without a kernel: counts, table, faults, boots, the seeded fault."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from imsgen.kernel_test_module import boot, e2e, host
from imsgen.kernel_test_module.stages import Place

GOOD = {
    "parent": "bare",
    "test": "fire",
    "cpus": 4,
    "store": "ram",
    "carrier": "msi",
    "sent": 6400,
    "arrived": 6400,
    "lost": 0,
    "duplicated": 0,
    "wrong_cpu": 0,
    "expected_lost": 0,
    "moves": 0,
}
FIRE = e2e.Boot("bare-4", boot.BARE, "ims_e2e", "ims_e2e", ("fire",))


def log_line(record: dict[str, object]) -> str:
    """A record as a kernel prints it."""
    return f"[    3.1]     # fire_from_memory: e2e: {json.dumps(record)}"


def test_records_are_found_among_other_lines() -> None:
    lines = ["[ 0.1] boot", log_line(GOOD), "    ok 1 fire_from_memory", log_line(GOOD)]
    assert e2e.records(lines) == [GOOD, GOOD]


@pytest.mark.parametrize(
    "line",
    [
        '# x: e2e: {"parent": "bare", "test": "fire"}',
        '# x: e2e: {"parent": "bare", "test": }',
        "# x: e2e: {}",
    ],
)
def test_a_record_that_is_not_whole_is_an_error(line: str) -> None:
    with pytest.raises(host.StageError, match="not a line of counts"):
        e2e.records([line])


def test_good_counts_have_no_faults() -> None:
    assert e2e.faults_of(FIRE, [GOOD], "") == []


@pytest.mark.parametrize("name", ["lost", "duplicated", "wrong_cpu"])
def test_each_kind_of_loss_is_a_fault(name: str) -> None:
    assert e2e.faults_of(FIRE, [GOOD | {name: 3}], "") == [f"fire: 3 {name}"]


def test_an_expected_loss_is_none() -> None:
    masked = GOOD | {"test": "fire", "sent": 10, "arrived": 5, "expected_lost": 5}
    assert e2e.faults_of(FIRE, [masked], "") == []


def test_nothing_sent_is_a_fault() -> None:
    idle = GOOD | {"sent": 0, "arrived": 0}
    assert e2e.faults_of(FIRE, [idle], "") == ["fire: nothing arrived"]


def test_a_test_without_counts_is_a_fault() -> None:
    assert e2e.faults_of(FIRE, [], "") == ["no counts of fire"]


def test_a_refused_message_needs_its_reason_in_the_log() -> None:
    one = e2e.main_boots("intel", 16)
    found = [GOOD | {"test": test} for test in one.tests]
    said = "qemu-system-x86_64: vtd_irte_get: invalid IRTE SID (index=5, sid=16)"
    assert e2e.faults_of(one, found, said) == []
    assert len(e2e.faults_of(one, found, "all quiet")) == 1


def test_refusals_have_no_counts_and_no_row() -> None:
    refused = {"parent": "amd", "test": "refused", "cpus": 4, "lifted": True}
    one = e2e.Boot("guest", boot.Q35, "", "ims_e2e", ("refused",))
    assert e2e.faults_of(one, [refused], "") == []
    assert e2e.rows([refused]) == []


def test_the_table_is_aligned_and_marks_what_was_lifted() -> None:
    lines = e2e.table([GOOD, GOOD | {"parent": "amd", "test": "wrong_requester", "lifted": True}])
    assert len({len(line) for line in lines}) == 1
    assert "| amd*" in lines[3] and "wrong requester" in lines[3]
    columns = len(e2e.WORDS) + len(e2e.COUNTS)
    assert [len(line.split("|")) for line in lines] == [columns + 2] * 4


def test_the_short_table_adds_up() -> None:
    found = [
        GOOD,
        GOOD | {"cpus": 16, "sent": 2, "arrived": 1, "lost": 1},
        GOOD | {"parent": "amd"},
    ]
    assert e2e.rows(found, e2e.WORDS[:2]) == [
        ("bare", "fire", "6402", "6401", "1", "0", "0", "0"),
        ("amd", "fire", "6400", "6400", "0", "0", "0", "0"),
    ]


def test_results_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(tmp_path)
    e2e.save(place, [GOOD | {"lifted": True}])
    assert json.loads((place.results / "e2e.json").read_text()) == [GOOD | {"lifted": True}]
    assert e2e.LIFTED in (place.results / "e2e.md").read_text()
    assert e2e.LIFTED in capsys.readouterr().out


def test_kasan_gets_memory_and_time() -> None:
    one = e2e.torture("bare", 10)
    more = e2e.roomy(one)
    assert more.machine.memory > one.machine.memory
    assert more.machine.limit > one.machine.limit


def test_boots_have_names_of_their_own_and_cover_all_parents() -> None:
    names = [one.name for one in e2e.boots()]
    assert len(set(names)) == len(names)
    for parent in e2e.PARENTS:
        assert f"{parent}-4" in names
        assert f"{parent}-16" in names or parent == "imsic"


def test_exhaustion_needs_few_cpus() -> None:
    assert set(e2e.EXHAUSTION) <= set(e2e.main_boots("bare", 4).tests)
    assert not set(e2e.EXHAUSTION) & set(e2e.main_boots("bare", 16).tests)


def test_torture_has_time_to_end() -> None:
    one = e2e.torture("bare", 600)
    assert one.machine.limit > 600
    assert "imsgen_e2e.torture=600" in one.machine.append


def test_every_count_of_the_kernel_is_in_the_table() -> None:
    source = (e2e.SOURCES / "common.c").read_text()
    assert set(e2e.COUNTS) <= set(re.findall(r'\\"(\w+)\\": %u', source))


def test_every_test_of_the_table_is_in_the_kernel() -> None:
    text = "".join(path.read_text() for path in sorted(e2e.SOURCES.glob("*.c")))
    named = set(re.findall(r'\.name = "(\w+)", \.carrier', text))
    named |= set(re.findall(r'fire\(test, &\w+, "(\w+)"\)', text)) | {"refused"}
    assert {test for one in e2e.boots() for test in one.tests} == named


def test_only_carriers_and_generated_code_touch_slots() -> None:
    for path in e2e.SOURCES.glob("*.c"):
        if path.name != "carrier.c":
            found = re.findall(
                r"\b(?:readl|writel|ioread\w+|iowrite\w+|memset_io)\(", path.read_text()
            )
            assert not found, path.name


WRITE = """\
static inline void edu_ims_write(struct edu_ims_slot __iomem *slot, const struct msi_msg *msg)
{
    writel(msg->address_lo, &slot->address_lo);
    writel(msg->address_hi, &slot->address_hi);
    writel(msg->data, &slot->data);
}

static inline void edu_ims_write_live(void)
{
    writel(msg->address_lo, &slot->address_lo);
}
"""


def header(work: Path, text: str) -> Path:
    """The generated header in a work tree."""
    path = work / "drivers/irqchip/irq-edu-ims.h"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_seeded_fault_swaps_two_fields_of_one_function(tmp_path: Path) -> None:
    path = header(tmp_path, WRITE)
    e2e.break_write(tmp_path)
    head, _, tail = path.read_text().partition("edu_ims_write_live")
    assert "writel(msg->data, &slot->address_lo);" in head
    assert "writel(msg->address_lo, &slot->data);" in head
    assert "writel(msg->address_lo, &slot->address_lo);" in tail


def test_the_seeded_fault_needs_its_place(tmp_path: Path) -> None:
    header(tmp_path, WRITE.replace("msg->data", "msg->other"))
    with pytest.raises(host.StageError, match="fields"):
        e2e.break_write(tmp_path)


def test_slots_are_named() -> None:
    text = "[ 2.0]     fire: slot 3 for CPU 2 was sent, but did not arrive: address 0x0"
    assert e2e.complaints(f"boot\n{text}\n") == [text.split("    ")[-1].strip()]
    assert e2e.complaints("nothing here") == []


def test_the_drivers_are_laid_over_a_tree_once(tmp_path: Path) -> None:
    misc = tmp_path / "drivers/misc"
    misc.mkdir(parents=True)
    (misc / "Makefile").write_text("obj-y += a.o\n")
    (misc / "Kconfig").write_text('menu "Misc devices"\n\nconfig A\n\tbool\n\nendmenu\n')
    changed = [misc / "Makefile", misc / "Kconfig"]
    for folder in e2e.READ_IN_CORES:
        changed.append(tmp_path / folder / "Makefile")
        changed[-1].parent.mkdir(parents=True, exist_ok=True)
        changed[-1].write_text("obj-y += a.o\n")
    e2e.overlay(tmp_path)
    first = [path.read_text() for path in changed]
    e2e.overlay(tmp_path)
    assert first == [path.read_text() for path in changed]
    assert all("+= -g\n" in text for text in first[2:])
    assert first[1].endswith(f'source "{e2e.DIRECTORY}/Kconfig"\nendmenu\n')
    assert (tmp_path / e2e.DIRECTORY / "carrier.c").read_text() == (
        e2e.SOURCES / "carrier.c"
    ).read_text()
