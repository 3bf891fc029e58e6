"""Counts, the closing line, and the static checks' reading of tool output."""

import json
from pathlib import Path

import pytest

from imsgen.kernel_test_module import checks, fetch, host, packages, trees
from imsgen.kernel_test_module.report import Counts, Report, junit


def test_closing_line_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.check("a")
    report.add(Counts(10, 0, 2))
    assert report.close() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "11 passed, 0 failed, 2 skipped"
    assert not report.check("b", ["broken"])
    report.skip("c", "no network")
    assert report.close() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == ["SKIPPED: c: no network", "FAILED: b", "11 passed, 1 failed, 3 skipped"]


def test_a_run_that_checked_nothing_is_no_success() -> None:
    report = Report()
    report.skip("all", "nothing here")
    assert report.close() == 1


def test_junit_counts_errors_as_failures() -> None:
    text = (
        '<testsuites><testsuite tests="10" failures="2" errors="1" skipped="3"/>'
        '<testsuite tests="1" failures="0" errors="0" skipped="0"/></testsuites>'
    )
    assert junit(text) == Counts(5, 3, 3)


def test_summary_is_repeatable(tmp_path: Path) -> None:
    report = Report()
    report.check("a")
    report.save(tmp_path)
    first = (tmp_path / "summary.json").read_bytes()
    report.save(tmp_path)
    assert (tmp_path / "summary.json").read_bytes() == first
    assert json.loads(first)["passed"] == 1


def test_what_has_passed_is_not_run_again(tmp_path: Path) -> None:
    runs: list[int] = []

    def make(report: Report) -> None:
        runs.append(1)
        report.add(Counts(5))
        report.check("a")
        report.boots["x"] = {"splats": 0}

    first, again = Report(), Report()
    proof = tmp_path / "passed" / "0123"
    first.once("stage", lambda: proof, make)
    again.once("stage", lambda: proof, make)
    assert len(runs) == 1
    for report in (first, again):
        assert report.counts == Counts(6)
        assert report.checks == {"a": "passed"}
        assert report.boots == {"x": {"splats": 0}}
    again.once("stage", lambda: None, make)
    assert len(runs) == 2
    # What can't be read is nothing
    proof.write_text("{")
    again.once("stage", lambda: proof, make)
    assert len(runs) == 3
    again.once("stage", lambda: proof, make)
    assert len(runs) == 3


def test_what_changes_meanwhile_has_proved_nothing(tmp_path: Path) -> None:
    names = iter("ab")
    Report().once("stage", lambda: tmp_path / next(names), lambda own: own.check("x"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["check", "skip", "nothing", "raise"])
def test_what_has_not_passed_is_run_again(tmp_path: Path, what: str) -> None:
    def make(report: Report) -> None:
        if what == "nothing":
            return
        report.check("a")
        if what == "check":
            report.check("b", ["broken"])
        elif what == "skip":
            report.skip("b", "no network")
        else:
            raise host.StageError("no kernel")

    report = Report()
    try:
        report.once("stage", lambda: tmp_path / "proof", make)
    except host.StageError:
        assert what == "raise"
    assert not (tmp_path / "proof").exists()
    assert report.counts.passed == (what != "nothing")
    assert report.failures == (["b"] if what == "check" else [])
    assert len(report.skips) == (what == "skip")


def test_checkpatch_allows_a_missing_sign_off_only() -> None:
    off = "p:9: ERROR:MISSING_SIGN_OFF: Missing Signed-off-by: line(s)\n"
    bare = "ERROR:MISSING_SIGN_OFF: Missing Signed-off-by: line(s)\n"
    long = "/x/p:40: WARNING:LONG_LINE: line length of 101 exceeds 100 columns"
    check = "p:41: CHECK:BRACES: braces {} should be used on all arms"
    assert checks.findings(off + bare) == ()
    assert checks.findings(f"{off}{long}\n{check}\n") == (long, check)
    assert checks.findings("WARNING:MISSING_SOMETHING: x\n") != ()


def test_warnings_are_those_about_our_files() -> None:
    log = (
        "  CC      drivers/irqchip/irq-foo.o\n"
        "/t/drivers/irqchip/irq-foo.c:10:2: warning: unused variable\n"
        "/t/lib/other.c:1:1: warning: not ours\n"
        "/t/drivers/irqchip/irq-foo.c:11:2: error: no\n"
    )
    found = checks.warnings_about(log, ["drivers/irqchip/irq-foo.c"])
    assert [line.rsplit(": ", 1)[1] for line in found] == ["unused variable", "no"]


def test_symbols() -> None:
    assert checks.undefined("                 U kfree\n0000 T foo\n") == {"kfree"}
    assert checks.exported("0x1\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n") == {"kfree"}


@pytest.mark.parametrize(
    "line",
    ["Hunk #1 succeeded at 12 (offset 2 lines).", "warning: 1 line adds whitespace errors."],
)
def test_a_patch_that_fits_elsewhere_is_noted(line: str) -> None:
    said = f"Checking patch a.c...\n{line}\nApplied patch a.c cleanly.\n"
    assert trees.notes_of(said) == (line,)
    assert trees.notes_of("Checking patch a.c...\n") == ()


def test_packages_and_names() -> None:
    assert packages.wanted("# x\nbc\n\nflex # y\n") == ("bc", "flex")
    assert packages.installed("ii  bc\nun  flex\nrc  git\n") == {"bc"}
    assert "qemu-system-x86" in packages.wanted(packages.LIST.read_text())
    assert fetch.safe_name("linux-source-7.3_7.3.4-1~bpo13+1") == "linux-source-7.3_7.3.4-1-bpo13-1"


def test_a_stamp_counts_only_when_whole(tmp_path: Path) -> None:
    assert fetch.stamped(tmp_path) is None
    (tmp_path / fetch.STAMP).write_text('{"layout": ')
    assert fetch.stamped(tmp_path) is None
    (tmp_path / fetch.STAMP).write_text('{"layout": "0"}')
    assert fetch.stamped(tmp_path) is None
    (tmp_path / fetch.STAMP).write_text(f'{{"layout": "{fetch.LAYOUT}"}}')
    assert fetch.stamped(tmp_path)


def test_cache_directory() -> None:
    assert host.cache_dir({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/imsgen")
    assert host.cache_dir({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path("/h/.cache/imsgen")


def test_a_failing_command_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(host.StageError, match=r"(?s)ended with 3.*some words"):
        host.run(["sh", "-c", "echo some words; exit 3"])
    with pytest.raises(host.StageError, match=r"(?s)ended with 4.*other words"):
        host.must_follow("t", ["sh", "-c", "echo other words; exit 4"], tmp_path / "l", limit=9)
