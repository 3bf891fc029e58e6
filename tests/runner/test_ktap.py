"""KTAP counting. The parser itself comes from a kernel tree; the logs are made up here."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import pytest

from imsgen.kernel_test_module import boot, ktap, stages
from imsgen.kernel_test_module.ktap import Suite

TREE = os.environ.get("IMSGEN_TREE")
kernel = [
    pytest.mark.kernel,
    pytest.mark.skipif(not TREE, reason="IMSGEN_TREE names no kernel tree"),
]


class Status(Enum):
    """The names that the kernel's parser uses."""

    SUCCESS = auto()
    FAILURE = auto()
    SKIPPED = auto()
    TEST_CRASHED = auto()


@dataclass
class Numbers:
    """Counts as the kernel's parser has them."""

    passed: int = 0
    failed: int = 0
    crashed: int = 0
    skipped: int = 0
    errors: int = 0


@dataclass
class Parsed:
    """A parsed test as the kernel's parser has it."""

    name: str
    status: Status
    counts: Numbers = field(default_factory=Numbers)
    subtests: list["Parsed"] = field(default_factory=list)

    def ok_status(self) -> bool:
        """As the parser's."""
        return self.status in (Status.SUCCESS, Status.SKIPPED)


def test_failed_and_crashed_cases_are_named() -> None:
    param = Parsed("p", Status.FAILURE, subtests=[Parsed("p1", Status.TEST_CRASHED)])
    cases = [Parsed("a", Status.SUCCESS), Parsed("b", Status.FAILURE), param]
    suite = Parsed("idxd_irqs", Status.FAILURE, Numbers(1, 1, 1, 0, 0), cases)
    assert ktap.suite_of(suite) == Suite("idxd_irqs", 1, 2, 0, 0, ("idxd_irqs.b", "idxd_irqs.p.p1"))


def test_a_suite_that_fails_without_a_failed_case_is_a_failure() -> None:
    suite = Parsed("x", Status.FAILURE, Numbers(passed=1), [Parsed("a", Status.SUCCESS)])
    found = ktap.suite_of(suite)
    assert (found.failed, found.failures, found.good) == (1, ("x",), False)


def test_splats_are_found_and_ordinary_lines_are_not() -> None:
    log = "\n".join(
        [
            "[    0.1] WARNING: CPU: 0 PID: 9 at a.c:3 foo+0x1/0x2",
            "[    0.2] BUG: sleeping function called from invalid context",
            "[    0.3] INFO: possible circular locking dependency detected",
            "[    0.4] ODEBUG: free active object",
            "[    0.5] PCI: Using configuration type 1",
            "[    0.6] Debug: a buggy machine",
        ]
    )
    assert [line[5:8] for line in ktap.splats(log)] == ["0.1", "0.2", "0.3", "0.4"]


def test_an_announced_splat_is_allowed_once() -> None:
    say = "    # leak: imsgen: expect splat: foo_exit"
    warn = "WARNING: CPU: 0 PID: 9 at a.c:3 foo_exit+0x1/0x2"
    assert ktap.splats(f"{say}\n{warn}\n") == ()
    assert ktap.splats(f"{say}\n{warn}\n{warn}\n") == (warn,)
    assert ktap.splats(f"{warn}\n{say}\n") == (
        warn,
        "announced, but did not come: foo_exit",
    )
    assert len(ktap.splats(f"{say}\nWARNING: at bar\n")) == 2


def test_a_missing_suite_fails_the_boot() -> None:
    found = ktap.Ktap((Suite("idxd_irqs", 3, 0, 0, 0),), (), ())
    booted = boot.Booted("", 1.0, "")
    assert stages.boot_faults(booted, found, ["idxd_irqs"]) == []
    assert stages.boot_faults(booted, found, ["timer_irqs"]) == ["suite timer_irqs did not run"]


def test_suites_in_source() -> None:
    text = 'static struct kunit_suite foo_suite = {\n\t.name\t\t= "foo_irqs",\n\t.init = x,\n};\n'
    assert stages.suites_in(text) == ("foo_irqs",)


GOOD = """\
Booting
[    0.100000] KTAP version 1
[    0.100000] 1..2
[    0.100000]     KTAP version 1
[    0.100000]     # Subtest: first
[    0.100000]     1..3
[    0.100000]     ok 1 a
[    0.100000]     ok 2 b # SKIP not here
[    0.100000]         KTAP version 1
[    0.100000]         # Subtest: c
[    0.100000]         ok 1 one
[    0.100000]         ok 2 two
[    0.100000]     ok 3 c
[    0.100000] # first: pass:2 fail:0 skip:1 total:3
[    0.100000] ok 1 first
[    0.200000]     KTAP version 1
[    0.200000]     # Subtest: second
[    0.200000]     1..1
[    0.200000]     # d: wanted 4, got 5
[    0.200000]     not ok 1 d
[    0.200000] not ok 2 second
[    0.300000] reboot: System halted
"""


PRINTER = """\
class Printer:
    def __init__(self, output):
        self.output = output

    def print(self, text):
        self.output.write(text + "\\n")
"""
OF_612 = "stdout = __import__('kunit_printer').Printer(None)\n"
PARSER = """\
class Test:
    subtests = ()


def extract_tap_lines(log):
    return []


def parse_run_tests({arguments}):
    {name}.print("[ERROR] one")
    return Test()
"""


OF_73 = "import kunit_printer\n"


def with_parser(tree: Path, before: str, arguments: str, name: str) -> Path:
    """A tree that has nothing but a parser."""
    tool = tree / "tools" / "testing" / "kunit"
    tool.mkdir(parents=True)
    (tool / "kunit_printer.py").write_text(PRINTER)
    (tool / "kunit_parser.py").write_text(before + PARSER.format(arguments=arguments, name=name))
    return tree


@pytest.mark.parametrize(
    ("before", "arguments", "name"),
    [(OF_612, "log", "stdout"), (OF_73, "log, printer", "printer")],
    ids=["6.12", "7.3"],
)
def test_the_parser_prints_where_it_is_told(
    before: str, arguments: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_parser(tmp_path, before, arguments, name)
    assert ktap._run_tests(ktap.parser_of(tmp_path), ["x"])[1] == "[ERROR] one\n"
    assert ktap.parse("x", tmp_path).complaints == ("no KTAP in the log",)
    assert capsys.readouterr().out == ""


def test_two_lanes_have_a_parser_each(tmp_path: Path) -> None:
    """The modules of two trees have the same names, and one that is gone can't be imported."""
    # While one is imported, the other thread has its turn.
    begun = tmp_path / "begun"
    slow = f"""\
import pathlib, sys, time
pathlib.Path({str(begun)!r}).touch()
time.sleep(0.2)
assert __name__ in sys.modules
"""
    old = with_parser(tmp_path / "old", slow + OF_612, "log", "stdout")
    new = with_parser(tmp_path / "new", OF_73, "log, printer", "printer")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ktap.parse, "x", old)
        while not begun.exists() and not first.done():
            time.sleep(0.01)
        found = [ktap.parse("x", new), first.result()]
    assert {one.complaints for one in found} == {("no KTAP in the log",)}


@pytest.fixture
def tree() -> Path:
    """The kernel tree whose parser is used."""
    assert TREE
    return Path(TREE)


class TestWithTree:
    """What needs the parser of a real tree."""

    pytestmark = kernel

    def test_whole_log(self, tree: Path) -> None:
        found = ktap.parse(GOOD, tree)
        assert found.suites == (
            Suite("first", 3, 0, 1, 0, ()),
            Suite("second", 0, 1, 0, 0, ("second.d",)),
        )
        assert found.complaints == ()
        assert found.lines[0] == "KTAP version 1"
        assert found.lines[-1] == "not ok 2 second"

    def test_no_ktap(self, tree: Path) -> None:
        found = ktap.parse("Booting\nreboot: System halted\n", tree)
        assert (found.suites, found.complaints) == ((), ("no KTAP in the log",))

    @pytest.mark.parametrize("lines", range(2, 20))
    def test_a_log_that_stops_early_is_never_good(self, tree: Path, lines: int) -> None:
        text = "".join(GOOD.splitlines(keepends=True)[:lines])
        found = ktap.parse(text, tree)
        whole = found.suites and all(suite.good for suite in found.suites)
        assert found.complaints or not whole

    def test_nothing_is_left_in_the_tree(self, tree: Path) -> None:
        ktap.parse(GOOD, tree)
        assert not (tree / "tools" / "testing" / "kunit" / "__pycache__").exists()
