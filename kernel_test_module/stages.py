"""The stages of a run, in order, each a function from what the ones before it gave."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import boot, build, checks, fetch, git, host, kconfig, ktap, packages, trees
from .arch import ARCHS
from .fetch import Kernel, Tree
from .report import Counts, Report, junit

REFERENCE = "6.12"
IN_QEMU = ("edu", "rocker")
"""The examples whose devices QEMU has: `e2e` boots them."""

EXAMPLES = tuple(
    path.stem
    for path in sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.ims"))
    if path.stem not in IN_QEMU
)
"""The others, whose series are applied in this order, each on the tree that the former one left."""

IMSGEN = "import sys; from imsgen.generator.cli import main; sys.exit(main())"
"""The tool, run by the interpreter that runs this."""

WHERES = {"um": boot.UML, "x86_64": boot.NODES, "arm64": boot.ITS, "riscv": boot.IMSIC}
"""What the suites boot on, by architecture."""


@dataclass(frozen=True)
class Place:
    """Where a run works: the repository, and what it leaves in there."""

    root: Path

    @property
    def results(self) -> Path:
        """What a user looks at: console logs, KTAP, the summary."""
        return self.root / "build" / "results"

    @property
    def logs(self) -> Path:
        """The logs of the stages."""
        return self.root / "build" / "logs"

    def example(self, name: str) -> Path:
        """The device file of an example."""
        return self.root / "examples" / f"{name}.ims"


@dataclass(frozen=True)
class Prepared:
    """A tree with series applied."""

    tree: Tree
    applied: trees.Applied
    mboxes: dict[str, bytes]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the series add."""
        return trees.added_files(self.tree, self.applied.base, self.applied.head)


def generator(place: Place, *words: str | Path) -> bytes:
    """Run imsgen; gives its standard output. Raises `StageError` with its diagnostics."""
    done = subprocess.run(
        [sys.executable, "-c", IMSGEN, *[str(word) for word in words]],
        cwd=place.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode:
        said = host.tail(done.stderr.decode(errors="replace"))
        raise host.StageError(f"imsgen ended with {done.returncode}\n{said}")
    return done.stdout


def series(place: Place, name: str, tree: Path | None) -> bytes:
    """The mbox of an example, for TREE or for the embedded profile of the reference kernel."""
    target = ["--tree", tree] if tree else ["--kernel", f"linux-{REFERENCE}"]
    mbox = generator(place, place.example(name), *target, "-o", "-")
    if not mbox.startswith(b"From "):
        raise host.StageError(f"imsgen gave no mbox for {name}")
    return mbox


def prepare(place: Place, tree: Tree, names: Sequence[str] = EXAMPLES) -> Prepared:
    """Apply the series of NAMES one after the other, each made for the tree as it is then."""
    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    applied = trees.Applied(base, (), ())
    mboxes: dict[str, bytes] = {}
    for name in names:
        mboxes[name] = series(place, name, tree.apply)
        more = trees.apply_series(tree, applied.head, mboxes[name], name)
        applied = trees.Applied(base, applied.commits + more.commits, applied.notes + more.notes)
    host.say(f"prepare {tree.kernel}: {len(applied.commits)} patches of {len(mboxes)} series")
    return Prepared(tree, applied, mboxes)


def configuration(place: Place, prepared: Prepared, arch: str) -> build.Build:
    """How to build the prepared tree for ARCH. The work tree must be at the prepared commit."""
    tree = prepared.tree
    own = checks.kunitconfigs(tree.work, prepared.files)
    more: tuple[str, ...] = () if own else ("pristine",)
    wanted = kconfig.merge([*own, *kconfig.fragments(arch, *more)])
    label = f"{tree.kernel}-{ARCHS[arch].label}"
    return build.Build(tree.work, tree.objects(arch), arch, wanted, place.logs, label)


def suites_in(text: str) -> tuple[str, ...]:
    """The names of the KUnit suites that a C file defines."""
    return tuple(re.findall(r"struct kunit_suite \w+ = \{[^}]*?\.name\s*=\s*\"([^\"]+)\"", text))


def expected_suites(prepared: Prepared) -> tuple[str, ...]:
    """The KUnit suites that the series add, by the names in their source."""
    names: list[str] = []
    for path in prepared.files:
        if path.endswith("_kunit.c"):
            names.extend(suites_in((prepared.tree.work / path).read_text()))
    return tuple(names)


def boot_faults(booted: boot.Booted, found: ktap.Ktap, expected: Iterable[str]) -> list[str]:
    """All that is wrong with a boot as a whole; the failed cases are counted apart."""
    faults = [booted.fault] if booted.fault else []
    faults += found.complaints
    faults += [f"kernel log: {line}" for line in found.splats]
    names = {suite.name for suite in found.suites}
    faults += [f"suite {name} did not run" for name in expected if name not in names]
    faults += [
        f"{suite.name}: {suite.errors} errors in its output"
        for suite in found.suites
        if suite.errors
    ]
    return faults


def run_boot(
    place: Place,
    built: build.Build,
    machine: boot.Machine,
    tree: Path,
    expected: Sequence[str],
    report: Report,
    kunit: Sequence[str] = (),
) -> ktap.Ktap:
    """Boot, keep the log and its KTAP, count each case and the boot itself."""
    log = place.results / f"{built.label}.log"
    booted = boot.boot(built.label, built.image, machine, log, kunit)
    found = ktap.parse(booted.log, tree)
    (place.results / f"{built.label}.ktap").write_text("".join(f"{x}\n" for x in found.lines))
    for suite in found.suites:
        report.add(Counts(suite.passed, suite.failed, suite.skipped))
        state = "ok  " if suite.good else "FAIL"
        host.say(
            f"{state} {built.label} {suite.name}: {suite.passed} passed, {suite.failed} failed, "
            f"{suite.skipped} skipped"
        )
        for name in suite.failures:
            report.failures.append(f"{built.label} {name}")
    report.boots[built.label] = {
        "suites": [suite.as_dict() for suite in found.suites],
        "fault": booted.fault,
        "splats": len(found.splats),
    }
    faults = boot_faults(booted, found, expected)
    host.say(f"  {built.label} boot: {booted.seconds:.1f} s")
    if not report.check(f"{built.label} boot", faults):
        host.say(f"    the end of {log.name}:\n{host.tail(booted.log)}")
    return found


def kernel_checks(place: Place, prepared: Prepared, report: Report) -> None:
    """What can be said of the patches without building a kernel."""
    tree, tag = prepared.tree, prepared.tree.kernel
    report.check(f"{tag} git am, one series after the other, no fuzz", prepared.applied.notes)
    if tag == REFERENCE:
        for name in prepared.mboxes:
            embedded = series(place, name, None)
            alone = trees.apply_series(tree, prepared.applied.base, embedded, name)
            report.check(f"{tag} git am {name} from the embedded profile", alone.notes)
            trees.reset(tree.apply, prepared.applied.base)
            same = embedded == series(place, name, tree.apply)
            report.check(
                f"{tag} {name}: profile and tree give the same bytes", [] if same else ["no"]
            )
    trees.reset(tree.apply, prepared.applied.head)
    checks.checkpatch(tree, prepared.mboxes, report, tag)
    checks.maintained(tree, prepared.files, report, tag)
    checks.kernel_doc(tree, prepared.files, report, tag)


def kunit(
    place: Place,
    prepared: Prepared,
    report: Report,
    wheres: Sequence[str],
    *,
    with_checks: bool = False,
    only: str = "",
) -> None:
    """Build and boot the prepared tree in all of WHERES; a stage that can't run is a failure.

    ONLY is a glob of suites, or of "suite.case".

    Prefixes and variants are built on the reference kernel only. They show that the patches are cut
    in the right places and need no more than their Kconfig entries say, and those are the same for
    all kernels; what differs is in the code, which is booted. They would double the time of a run.
    """
    tree, tag = prepared.tree, prepared.tree.kernel
    with_checks = with_checks and tag == REFERENCE
    for arch in wheres:
        if not able(arch, report, f"{tag} {ARCHS[arch].label}"):
            continue
        try:
            trees.work_at(tree, prepared.applied.head)
            built = configuration(place, prepared, arch)
            if with_checks and arch == "x86_64" and prepared.applied.commits:
                checks.prefixes(tree, prepared.applied, built, report, tag)
                trees.work_at(tree, prepared.applied.head)
            build.kernel(built)
            suites = only.partition(".")[0] or "*"
            expected = fnmatch.filter(expected_suites(prepared), suites)
            words = (f"kunit.filter_glob={only}",) if only else ()
            run_boot(place, built, WHERES[arch], tree.work, expected, report, words)
            if with_checks and arch == "x86_64" and prepared.files:
                checks.compiled(tree, prepared.files, built, report, tag)
        except host.StageError as error:
            report.check(f"{tag} {ARCHS[arch].label}", str(error).splitlines())


installing = threading.Lock()
"""There is one installation of packages at a time."""


def able(arch: str, report: Report, name: str) -> bool:
    """Whether kernels can be built and booted for ARCH here; what is missing is installed, if this
    is root's machine, or named."""
    with installing:
        lacks = ARCHS[arch].lacks()
        if lacks and packages.main(lacks):
            report.skip(name, f"needs the Debian packages {' '.join(lacks)}")
            return False
    return True


def unavailable(kernel: Kernel, name: str, error: host.Unavailable, report: Report) -> None:
    """A KERNEL that isn't to be had: skipped, unless it is the reference kernel, which must be."""
    lines = str(error).splitlines()
    if kernel.name == REFERENCE:
        report.check(name, lines)
    else:
        # What was tried, and the last thing that apt said
        report.skip(name, " ".join(line.strip() for line in dict.fromkeys((lines[0], lines[-1]))))


def one_kernel(
    place: Place,
    kernel: Kernel,
    report: Report,
    wheres: Sequence[str],
    *,
    names: Sequence[str] = EXAMPLES,
    with_checks: bool = True,
    only: str = "",
    tree: Tree | None = None,
) -> None:
    """All kernel stages on one kernel. Only a kernel other than the reference may be skipped."""
    try:
        tree = tree or fetch.fetch(kernel, place.logs)
    except host.Unavailable as error:
        unavailable(kernel, f"{kernel.name} fetch", error, report)
        return
    except host.StageError as error:
        report.check(f"{kernel.name} fetch", str(error).splitlines())
        return
    with fetch.locked(tree.home):
        try:
            prepared = prepare(place, tree, names)
            if with_checks and names:
                kernel_checks(place, prepared, report)
        except host.StageError as error:
            report.check(f"{kernel.name} prepare", str(error).splitlines())
            return
        kunit(place, prepared, report, wheres, with_checks=with_checks, only=only)


CODE = ("dsl", "generator", "templates", "kernel_test_module", "tests")
PACKAGES = ("dsl", "generator", "templates", "kernel_test_module")


def linters(place: Place, whole: bool) -> dict[str, list[str]]:
    """What is run on the repository, as arguments of the Python interpreter.

    WHOLE: with what installs packages, too.
    """
    typed = [word for name in PACKAGES for word in ("-p", f"imsgen.{name}")]
    examples = sorted(
        str(path.relative_to(place.root)) for path in place.root.glob("examples/*.ims")
    )
    fresh = [*examples, "--kernel", f"linux-{REFERENCE}", "--sources", "-o", "generated", "--check"]
    found = {
        "ruff": ["-m", "ruff", "check", "--quiet", *CODE],
        "black": ["-m", "black", "--check", "--quiet", *CODE],
        "mypy": ["-m", "mypy", *typed],
        "generated/ is up to date": ["-c", IMSGEN, *fresh],
    }
    if whole:
        found["the package works installed"] = [
            "-m",
            "imsgen.kernel_test_module.release",
            "installed",
        ]
    return found


def environment(place: Place, **more: str) -> dict[str, str]:
    """The environment of Python processes.

    Who wants no bytecode beside the sources gets it below build/: compiling everything again in
    each process takes longer than most of the tests.
    """
    env = {**os.environ, **more}
    if env.pop("PYTHONDONTWRITEBYTECODE", ""):
        env.setdefault("PYTHONPYCACHEPREFIX", str(place.root / "build" / "pycache"))
    return env


PYTEST_ONLY = ("tests/bad", "tests/dsl", "tests/mistakes", "tests/runner", "CHANGELOG.md")
"""What of the repository no stage that works with kernels reads."""


def content(place: Place) -> str:
    """A digest of the repository without `PYTEST_ONLY`. Raises `StageError` if git has none."""
    left_out = [f":!{path}" for path in PYTEST_ONLY]
    words = ("ls-files", "-z", "-co", "--exclude-standard", "--", ".", *left_out)
    found = hashlib.sha256()
    for name in sorted(git.git(place.root, *words).split("\0")):
        path = place.root / name
        if path.is_file():
            found.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


@contextmanager
def lint(place: Place, report: Report, whole: bool = False) -> Iterator[None]:
    """One check each, made while the block runs and reported behind it.

    mypy finds the packages by links that the Makefile made in build/typed.
    """
    env = environment(place, MYPYPATH=str(place.root / "build" / "typed"))

    def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=place.root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    todo = linters(place, whole)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(run, words) for words in todo.values()]
        yield
    for name, future in zip(todo, running, strict=True):
        done = future.result()
        lines = done.stdout.splitlines() or [f"ended with {done.returncode}"]
        report.check(f"lint: {name}", lines if done.returncode else [])


def pytest(place: Place, report: Report, tree: Path | None = None, *, fast: bool = False) -> None:
    """pytest over tests/, counted from its own report; if FAST, without those marked "slow".

    TREE serves the tests marked "kernel".
    """
    place.results.mkdir(parents=True, exist_ok=True)
    xml = place.results / "pytest.xml"
    xml.unlink(missing_ok=True)
    env = environment(place, **({"IMSGEN_TREE": str(tree)} if tree else {}))
    words = ["-m", "pytest", "--quiet", "-n", "auto", "--dist", "worksteal"]
    words += ["-o", "junit_family=xunit2", *(["-m", "not slow"] if fast else [])]
    done = subprocess.run(
        [sys.executable, *words, f"--junitxml={xml}"],
        cwd=place.root,
        env=env,
        stdin=subprocess.DEVNULL,
    )
    counts = junit(xml.read_text()) if xml.exists() else Counts()
    report.add(counts)
    if counts.failed:
        report.failures.append(f"{counts.failed} of pytest")
    elif done.returncode:
        report.check("pytest", [f"ended with {done.returncode}"])


def setup(report: Report) -> bool:
    """The Debian packages are there, or get installed. Returns whether kernels can be built."""
    return report.check("packages", [] if packages.main() == 0 else ["not all are there"])


def for_kernel(place: Place, name: str) -> Tree:
    """Fetch by name. Raises `StageError`."""
    return fetch.fetch(fetch.KERNELS[name], place.logs)
