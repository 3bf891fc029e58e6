"""``imsgen run`` up to where a kernel is needed: that part is kernel_test_module/models.py's."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from imsgen.dsl import load
from imsgen.generator.kernel.target import DEFAULT, Target, embedded
from imsgen.generator.model import kernel, reports
from imsgen.generator.model.checks import Result, Trial
from imsgen.generator.model.guest import Guest, GuestError
from imsgen.generator.model.machine import Machine
from imsgen.generator.model.runtime import Device, Field, Iomem, Msix, Slot
from imsgen.generator.series import Planner
from imsgen.kernel_test_module.report import Counts, junit

from .conftest import EXAMPLES, REPOSITORY, git, plant

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def guest(tmp_path: Path, script: str, debug: str | None = None) -> Guest:
    """A guest whose kernel is a shell script."""
    image = tmp_path / "linux"
    image.write_text(f"#!/bin/sh\n{script}\n")
    image.chmod(0o755)
    return Guest(image, tmp_path / "initrd", "socket", tmp_path, debug)


#: The program of the guest, on the terminal that is given as con1=fd:IN,fd:OUT.
TERMINAL = """
for word; do case $word in con1=*) ends=${word#con1=fd:};; esac; done
in=/dev/fd/${ends%%,*} out=/dev/fd/${ends##*:}
"""


def test_a_guest_answers(tmp_path: Path) -> None:
    """What a command prints, or the kernel's error."""
    script = f"""{TERMINAL}
    printf 'junk\\n@@ 0\\n' > $out
    while read -r command < $in; do
        case $command in
        "r /a") printf 'one\\ntwo\\n\\n@@ 0\\n';;
        *) printf '\\n@@ 2\\n';;
        esac > $out
    done"""
    made = guest(tmp_path, script)
    try:
        made.wait(10)
        assert made.read("/a").splitlines() == ["one", "two"]
        with pytest.raises(FileNotFoundError):
            made.write("/b", "1")
        assert made.list("/b") == []
    finally:
        made.stop()


#: A QEMU whose guest has two interrupts on two of four CPUs.
INTERRUPTS = """
           CPU0       CPU1       CPU2       CPU3
  0:         37          0          0          0   IO-APIC    2-edge      timer
 24:          0          3          0          0  IR-PCI-MSIX-0000:00:10.0    2-edge      dev-error
 25:          5          0          0          1  IR-DEV-IMS-0000:00:10.0    2-edge      dev-queue
 26:          9          9          9          9  IR-PCI-MSIX-0000:00:1f.0    2-edge      other
LOC:       1196       1056       1100        999   Local timer interrupts
"""


def test_a_machine_answers_and_has_interrupts(tmp_path: Path) -> None:
    """On the terminal that QEMU is given; they are told apart by chip, index and device."""
    program = tmp_path / "qemu"
    program.write_text(f"""#!/bin/sh
    case "$*" in *intremap=on*'"path": "socket"'*) ;; *) exit 1;; esac
    for word; do case $word in
    file,id=program,*) out=${{word#*,path=}} out=${{out%%,*}} in=${{word##*=}};;
    file,id=console,*) log=${{word#*,path=}} log=${{log%,append=on}};;
    esac; done
    echo booting >> "$log"
    printf '@@ 0\\n' > $out
    while read -r command < $in; do
        case $command in
        "r /proc/interrupts") printf '%s\\n@@ 0\\n' '{INTERRUPTS}';;
        *) printf '\\n@@ 2\\n';;
        esac > $out
    done
    """)
    program.chmod(0o755)
    slot = Slot(16, Field(0, 4), Field(8, 4), Field(4, 4))

    class Dev(Device):
        name = "dev"

        def make(self) -> tuple[Msix, Iomem]:
            return Msix("table", 4, 4), Iomem("ims", slot, 0, ((0x100, 4),))

    made = Machine(
        tmp_path / "image", tmp_path / "initrd", "socket", tmp_path, str(program), "intel"
    )
    try:
        made.wait(10)
        trial = Trial(Dev(), made)
        lines = trial.lines([("table", 2), ("ims", 2), ("ims", 1)])
        assert {m: (number, line.counts) for m, (number, line) in lines.items()} == {
            ("table", 2): (24, (0, 3, 0, 0)),
            ("ims", 2): (25, (5, 0, 0, 1)),
        }
        assert lines["ims", 2][1].user == "dev-queue"
        assert "booting" in made.console()
    finally:
        made.stop()


def test_remapping_is_required_or_not(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """The kernel would refuse such a device, so it is said before; gdb runs no QEMU."""
    assert imsgen("run", EXAMPLES / "crypto2.ims", "--tree", tmp_path, "--on", "bare") == 1
    assert "crypto2 requires interrupt remapping" in capfd.readouterr().err
    words = ("run", EXAMPLES / "crypto1.ims", "--tree", tmp_path, "--on", "bare")
    assert imsgen(*words, "--qemu", tmp_path / "none") == 1
    assert "QEMU 10.1 or later is needed" in capfd.readouterr().err
    assert imsgen(*words, "--gdb") == 1
    assert "only User Mode Linux is run by gdb" in capfd.readouterr().err


@pytest.mark.parametrize("on", ["uml", "bare"])
def test_several_msi_messages_need_remapping(
    on: str, imsgen: Run, tmp_path: Path, capfd: Capture
) -> None:
    """It is said before the kernel fails the probe; what is optional can be absent."""
    layout = tmp_path / "dev.ims"
    text = 'device mydev "Device" { pci 8086:0001; store cap: msi; vector a = cap[0]; vector b = '
    words = ("run", layout, "--tree", tmp_path, "--on", on)
    layout.write_text(text + "cap[1]; }\n")
    assert imsgen(*words) == 1
    said = f"mydev can't do without 2 MSI messages, and there is one on {on}; take --on intel"
    assert said in capfd.readouterr().err
    layout.write_text(text + "cap[1] optional; }\n")
    assert imsgen(*words, "--qemu", tmp_path / "none") == 1
    assert "MSI messages" not in capfd.readouterr().err


@pytest.mark.parametrize("version, said", [("7.2.22", "version 7.2"), ("", "no QEMU")])
def test_a_qemu_of_no_use_is_said(
    version: str, said: str, imsgen: Run, tmp_path: Path, capfd: Capture
) -> None:
    """Before anything is built, with what to do; User Mode Linux needs none."""
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\necho QEMU emulator version {version}\n")
    program.chmod(0o755)
    words = ("run", EXAMPLES / "timer.ims", "--tree", tmp_path, "--qemu", program)
    assert imsgen(*words, "--on", "intel") == 1
    error = capfd.readouterr().err
    assert said in error and "QEMU 10.1 or later is needed; give one with --qemu" in error
    assert imsgen(*words) == 1
    assert "not a kernel tree" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "script, said",
    [
        ("echo booting; echo 'Kernel panic - not syncing: no init'; exit 1", "has ended"),
        ("echo booting; echo 'Kernel panic - not syncing: no init'; sleep 60", "not come up"),
    ],
)
def test_a_guest_that_fails_is_said_in_time(tmp_path: Path, script: str, said: str) -> None:
    """With its panic, and the last lines of its console."""
    made = guest(tmp_path, script)
    try:
        with pytest.raises(GuestError) as error:
            made.wait(1)
    finally:
        made.stop()
    assert said in str(error.value)
    assert "not syncing: no init" in str(error.value) and "booting" in str(error.value)


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """What the kernel has started ends with it."""
    file = tmp_path / "child"
    made = guest(tmp_path, f"sleep 61.5 & echo $! > {file}.new; mv {file}.new {file}; wait")
    end = time.monotonic() + 10
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    made.stop()
    stat = Path("/proc", file.read_text().strip(), "stat")
    # Who takes care of orphans may not have seen its end yet.
    while stat.exists() and stat.read_text().split()[2] != "Z":
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_guest_of_gdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops where the driver is asked first, is waited for, and ends with its terminal."""
    folder = tmp_path / "bin"
    folder.mkdir()
    gdb = folder / "gdb"
    gdb.write_text("""#!/bin/sh\neval "exec $5 $(sed -n 's/^run //p' "$4")"\n""")
    gdb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    script = f"""{TERMINAL}
    sleep 1; echo booted
    printf '@@ 0\\n' > $out
    while read -r command < $in; do printf '%s\\n\\n@@ 0\\n' "$command" > $out; done
    touch {tmp_path}/ended"""
    made = guest(tmp_path, script, "my/driver.c")
    try:
        made.wait(0.1)
        assert made.ask("r /a", 0).strip() == "r /a"
    finally:
        made.stop()
    assert (tmp_path / "ended").exists()
    assert made.console() == "booted\n"
    assert "\nrbreak driver.c:.*probe\nrun mem=" in (tmp_path / "gdb").read_text()


def test_the_archive_is_one_of_cpio(tmp_path: Path) -> None:
    """cpio lists its folders, its terminal and its program, if there is a cpio."""
    data = kernel.archive(b"program")
    assert data.startswith(b"070701") and b"TRAILER!!!" in data
    try:
        done = subprocess.run(["cpio", "-t", "--quiet"], input=data, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no cpio here")
    assert done.stdout.split() == [b"dev", b"proc", b"sys", b"dev/tty1", b"init"]


def test_what_is_no_tree_is_said(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """Nothing is built."""
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path) == 1
    assert "not a kernel tree in a git repository" in capfd.readouterr().err


def test_what_is_read_is_not_overwritten(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """Nor is one report by another."""
    driver = tmp_path / "driver.c"
    driver.write_text("/* Mine */\n")
    report = tmp_path / "report"
    for options in (
        ("--driver", driver, "--junit", driver),
        ("--driver", driver, "--trace", driver),
        ("--junit", report, "--ktap", report),
    ):
        assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, *options) == 1
        assert "would be overwritten: it is named twice" in capfd.readouterr().err
    assert driver.read_text() == "/* Mine */\n" and not report.exists()


def test_one_of_several_devices(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """Which one has to be said."""
    layout = REPOSITORY / "tests/layouts/stores.ims"
    for more in ([], ["--device", "nobody"]):
        assert imsgen("run", layout, "--tree", tmp_path, *more) == 1
        assert "oddmem, " in capfd.readouterr().err
    assert imsgen("run", layout, "--tree", tmp_path, "--device", "oddmem") == 1
    assert "not a kernel tree" in capfd.readouterr().err


def test_a_driver_or_model_that_is_not_there(imsgen: Run, tmp_path: Path, capfd: Capture) -> None:
    """Said before anything is built; as is a model that is no Python."""
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    for option in ("--driver", "--model", "--patch"):
        for path, said in (
            (tmp_path / "missing", "No such file or directory"),
            (folder, "Is a directory"),
            (pipe, "not a regular file"),
            (Path("/dev/zero"), "not a regular file"),
        ):
            assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, option, path) == 1
            assert f"{path}: {said}" in capfd.readouterr().err
    bad = tmp_path / "bad.py"
    bad.write_text("class Model:\n")
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, "--model", bad) == 1
    assert "bad.py" in capfd.readouterr().err


@pytest.fixture
def tree(tmp_path: Path, profile: Target, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel tree in a git repository, as far as it is looked at before something is built."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = plant(tmp_path / "linux", profile)
    (made / "arch/um/drivers").mkdir(parents=True)
    for name in ("arch/um/drivers/virt-pci.c", "drivers/Makefile", "drivers/Kconfig"):
        (made / name).write_text("\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "start"]):
        git(made, *words)
    return made


def test_a_tree_that_can_be_no_parent(imsgen: Run, tree: Path, capfd: Capture) -> None:
    """User Mode Linux of 6.12 needs a patch; the tree itself stays as it is."""
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tree) == 1
    assert "takes no message stores" in capfd.readouterr().err
    assert git(tree, "status", "--short") == ""


def test_a_tree_with_changes(imsgen: Run, tree: Path, capfd: Capture) -> None:
    """What is committed is built, and that is said; the changes stay."""
    (tree / "drivers/Makefile").write_text("mine\n")
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tree) == 1
    assert "has changes that are not committed, which are left out" in capfd.readouterr().err
    (work,) = (tree.parent / "cache/imsgen/run").iterdir()
    assert "mine" not in (work / "source/drivers/Makefile").read_text()
    assert git(tree, "status", "--short") == " M drivers/Makefile\n"


def test_a_patch_that_does_not_fit(imsgen: Run, tree: Path, tmp_path: Path, capfd: Capture) -> None:
    """Said by its name, with what git says."""
    patch = tmp_path / "uml.patch"
    patch.write_text("--- a/kernel/x.c\n+++ b/kernel/x.c\n@@ -1 +1 @@\n-a\n+b\n")
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tree, "--patch", patch) == 1
    err = capfd.readouterr().err
    assert f"{patch}: it does not fit {tree}" in err and "kernel/x.c" in err


def test_a_kernel_that_is_another_one(imsgen: Run, tree: Path, capfd: Capture) -> None:
    """No series is for it; nothing is left, in the cache neither."""
    (tree / "include/linux/msi.h").write_text("/* all is new here */\n")
    git(tree, "commit", "-q", "-a", "-m", "another")
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tree) == 1
    assert "include/linux/msi.h" in capfd.readouterr().err
    assert not list((tree.parent / "cache/imsgen/run").iterdir())


def test_a_repository_without_a_commit(imsgen: Run, tree: Path, capfd: Capture) -> None:
    """There is nothing to build."""
    git(tree, "update-ref", "-d", "HEAD")
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tree) == 1
    assert "HEAD" in capfd.readouterr().err


@pytest.mark.parametrize("option", ["--junit", "--ktap", "--trace"])
def test_what_can_not_be_written_is_said_first(
    imsgen: Run, tmp_path: Path, capfd: Capture, option: str
) -> None:
    """Before anything is built; devices stay what they are."""
    missing = tmp_path / "missing" / "file"
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, option, missing) == 1
    assert f"{missing}: No such file or directory" in capfd.readouterr().err
    if option != "--trace":
        assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, option, "/dev/null") == 1
        assert "/dev/null: not a regular file" in capfd.readouterr().err
        assert not Path("/dev/null").is_file()


def test_a_run_that_comes_to_nothing_is_reported(imsgen: Run, tmp_path: Path) -> None:
    """CI sees why, in both forms."""
    files = [tmp_path / "junit.xml", tmp_path / "ktap"]
    options = ["--junit", files[0], "--ktap", files[1]]
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, *options) == 1
    assert junit(files[0].read_text()) == Counts(failed=1)
    assert "not a kernel tree in a git repository" in files[0].read_text()
    assert files[1].read_text().splitlines()[-1] == "not ok 1 timer"


RESULTS = [
    Result("send", True, "3 messages, 3000 sent and handled"),
    Result("reset", False, "ims[0] does not hold <what> it held\n\x1b & more"),
]


def test_junit_has_a_case_for_each_check() -> None:
    """As XML, whatever the texts are."""
    text = reports.junit("dev", RESULTS, 1.25)
    assert junit(text) == Counts(1, 1, 0)
    top = ElementTree.fromstring(text)
    assert [case.get("name") for case in top.iter("testcase")] == ["send", "reset"]
    (failure,) = top.iter("failure")
    assert failure.get("message") == "ims[0] does not hold <what> it held"
    assert failure.text == "ims[0] does not hold <what> it held\n? & more"


def test_ktap_has_a_subtest_for_each_check() -> None:
    """As the kernel's parser takes it, which is seen in `make models`."""
    assert reports.ktap("dev", RESULTS).splitlines() == [
        "KTAP version 1",
        "1..1",
        "    KTAP version 1",
        "    # Subtest: dev",
        "    1..2",
        "    # send: 3 messages, 3000 sent and handled",
        "    ok 1 send",
        "    # reset: ims[0] does not hold <what> it held",
        "    # reset: \x1b & more",
        "    not ok 2 reset",
        "not ok 1 dev",
    ]


def test_errors_of_a_compiler_are_of_what_the_user_has() -> None:
    """The driver by the name that it was given; generated code with its place in the layout."""
    layout = EXAMPLES / "crypto2.ims"
    (device,) = load(str(layout)).devices
    files = Planner(embedded(DEFAULT)).series([device]).files
    header = "drivers/irqchip/irq-crypto2-ims.h"
    line = next(
        number
        for number, text in enumerate(files[header].splitlines(), 1)
        if "writel(msg->data" in text
    )
    place = os.path.abspath("my driver.c")
    said = f"""  CC      drivers/irqchip/irq-crypto2.o
/cache/source/{header}: In function 'crypto2_ims_write':
/cache/source/{header}:{line}:9: error: 'msg' undeclared
{place}:7:1: error: expected ';'
../kernel/irq/msi.c:1:2: fatal error: other.h: No such file or directory
make[2]: *** [scripts/Makefile.build:229: x.o] Error 1
"""
    wrong, where, mine, other = kernel.complaints(
        said, [kernel.Driver(device, "", "my driver.c")], files
    ).splitlines()
    assert wrong == f"{header}:{line}:9: error: 'msg' undeclared"
    path, number, _, _, part = where.strip().split(":")
    assert part.strip() == "`data`"
    assert "data @" in Path(path).read_text().splitlines()[int(number) - 1]
    assert mine == "my driver.c:7:1: error: expected ';'"
    assert other == "../kernel/irq/msi.c:1:2: fatal error: other.h: No such file or directory"
    ends = kernel.complaints("undefined reference to `foo'", [], {})
    assert ends == "the kernel can't be built\nundefined reference to `foo'"


def test_gdb_that_is_not_there(
    imsgen: Run, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before anything is built."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert imsgen("run", EXAMPLES / "timer.ims", "--tree", tmp_path, "--gdb") == 1
    assert "it is in the package gdb" in capfd.readouterr().err


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """The second one says so, and doesn't wait."""
    work = kernel.Work(tmp_path, tmp_path / "home")
    with (
        kernel.locked(work),
        pytest.raises(kernel.BuildError, match="another imsgen run"),
        kernel.locked(work),
    ):
        pass
