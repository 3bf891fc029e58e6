"""Disassembly is read right, and what a hot path must not hold is seen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.names import names_of
from imsgen.kernel_test_module import counts, host
from imsgen.kernel_test_module.counts import Count, Probe
from imsgen.kernel_test_module.report import Report
from imsgen.kernel_test_module.stages import Place

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

LISTING = """\

irq.o:     file format elf64-x86-64


Disassembly of section .text:

0000000000000000 <count_wq_get>:
   0:	mov    (%rdi),%rbx
   3:	test   %rbx,%rbx
   6:	je     1f <count_wq_get+0x1f>
   8:	lock cmpxchg %edx,(%rbx)
   c:	jne    6 <count_wq_get+0x6>
   e:	mov    %rbx,0x40(%r13)
  12:	cmpl   $0x3f,0x8(%rdi)
  16:	movq   $0x0,0x8(%rdx,%rax,8)
  1a:	push   %rbp
  1b:	mov    0x0(%rip),%eax        # 21 <count_wq_get+0x21>
			1d: R_X86_64_PC32	nr_cpu_ids-0x4
  1f:	jmp    24 <count_wq_get+0x24>
			20: R_X86_64_PLT32	__idxd_wq_get-0x4
  24:	ret
  25:	data16 cs nopw 0x0(%rax,%rax,1)
  30:	xchg   %ax,%ax

0000000000000040 <next>:
  40:	call   *%rax
  42:	call   47 <next+0x7>
			43: R_X86_64_PLT32	mutex_lock-0x4
  47:	call   4c <next+0xc>
			48: R_X86_64_PLT32	__x86_indirect_thunk_rax-0x4
  4c:	lock bts %rdx,0x8(%rbx)
  52:	int3
"""


def test_functions_are_split_and_relocated() -> None:
    found = counts.functions(LISTING)
    assert list(found) == ["count_wq_get", "next"]
    assert found["count_wq_get"][10] == "jmp 24 <__idxd_wq_get>"


def test_count() -> None:
    found = counts.functions(LISTING)
    assert counts.count("count_wq_get", found["count_wq_get"]) == Count(
        12, 2, 1, 3, ("__idxd_wq_get",)
    )


def test_pointers_and_thunks_are_indirect() -> None:
    found = counts.count("next", counts.functions(LISTING)["next"])
    assert found == Count(4, 0, 1, 1, ("*", "mutex_lock"))


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("mov %eax,(%rdi)", True),
        ("mov (%rdi),%eax", False),
        ("addq $0x1,0x20(%rdx)", True),
        ("mov %rax,0x10(%rbx,%rdx,8)", True),
        ("mov %eax,0x8(%rsp)", False),
        ("cmpl $0x1,0x8(%rbx)", False),
        ("testb $0x1,(%rbx)", False),
        ("lea 0x8(%rbx),%rax", False),
        ("btr %rax,(%rdx)", True),
        ("cmpxchg %edx,(%rbx)", True),
        ("call 40 <a>", False),
    ],
)
def test_what_writes_memory(text: str, writes: bool) -> None:
    assert counts.writes_memory(text) is writes


def test_violations() -> None:
    probe = Probe("wq get", "count_wq_get", locked=1, slow=("__idxd_wq_get",))
    fine = Count(12, 2, 1, 3, ("__idxd_wq_get",))
    assert not counts.violations("idxd", probe, fine)
    for bad, what in (
        (replace(fine, locked=2), "2 atomics, not 1"),
        (replace(fine, calls=("*",)), "through a pointer"),
        (replace(fine, calls=("mutex_lock",)), "calls mutex_lock"),
    ):
        (said,) = counts.violations("idxd", probe, bad)
        assert what in said


def test_golden_files_are_compared_to_the_compiler() -> None:
    old = {"wq get": Count(12, 2, 1, 3, ("__idxd_wq_get",)), "wq put": Count(5, 1, 1, 1, ())}
    golden = counts.as_text("gcc 12.2.0", old)
    assert not counts.compare("idxd", golden, "gcc 12.2.0", old)
    new = {"wq get": replace(old["wq get"], instructions=13), "wq attach": Count(9, 1, 1, 3, ())}
    assert counts.compare("idxd", golden, "gcc 12.2.0", new) == [
        "idxd: wq attach: new",
        "idxd: wq get: instructions 12 -> 13",
        "idxd: wq put: gone",
    ]
    assert not [x for x in counts.compare("idxd", golden, "gcc 14.1.0", new) if "get" in x]
    new["wq get"] = replace(old["wq get"], locked=2)
    assert "idxd: wq get: locked 1 -> 2" in counts.compare("idxd", golden, "gcc 14.1.0", new)


def test_every_hot_path_of_idxd_is_probed() -> None:
    (device,) = load(EXAMPLES / "idxd.ims").devices
    found = counts.probes(device)
    paths = [probe.path for probe in found]
    for path in "mask unmask write".split():
        assert f"ims {path}" in paths
        assert f"ims chip irq_{path}".replace("irq_write", "irq_write_msi_msg") in paths
    for path in "lookup get put attach detach dispatch".split():
        assert f"queue {path}" in paths
    assert "misc lookup" in paths
    text = counts.source(names_of(device), found)
    assert '#include "../irq-idxd-ims.h"' in text
    assert text.count("count_queue_attach(") == 1


def test_a_timer_has_no_pool_to_probe() -> None:
    (device,) = load(EXAMPLES / "timer.ims").devices
    assert not [probe for probe in counts.probes(device) if "attach" in probe.path]


@pytest.mark.parametrize(
    "device", counts.devices(Place(EXAMPLES.parent)).values(), ids=lambda device: device.name
)
def test_golden_files_hold_nothing_forbidden(device: Device) -> None:
    golden = EXAMPLES.parent / counts.GOLDEN / f"{device.name}.json"
    assert golden.exists(), "IMSGEN_UPDATE=1 python -m imsgen.kernel_test_module counts makes it"
    paths = json.loads(golden.read_text())["paths"]
    found = counts.probes(device)
    assert list(paths) == [probe.path for probe in found]
    for probe in found:
        one = paths[probe.path]
        assert not counts.violations(
            device.name, probe, Count(**{**one, "calls": tuple(one["calls"])})
        )


def test_stage_reports_each_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"a": {"p": Count(1, 0, 0, 0, ())}, "b": {"p": Count(2, 0, 0, 0, ())}}
    found = counts.Found("gcc 12.2.0", made, {"a": [], "b": ["b: p: locked 1 -> 2"]})
    monkeypatch.setattr(counts, "look", lambda place: found)
    report = Report()
    counts.stage(Place(tmp_path), report)
    assert report.checks == {"object code of a": "passed", "object code of b": "failed"}
    assert "2 hot paths, gcc 12.2.0" in capsys.readouterr().out


def test_stage_that_can_not_run_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(place: Place) -> counts.Found:
        raise host.StageError("no compiler\nat all")

    monkeypatch.setattr(counts, "look", broken)
    report = Report()
    counts.stage(Place(tmp_path), report)
    assert report.counts.failed == 1 and report.counts.passed == 0
