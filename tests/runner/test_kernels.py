"""What is done on which kernel."""

import argparse
import re
import subprocess
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from imsgen.kernel_test_module import __main__ as command
from imsgen.kernel_test_module import build, checks, e2e, fetch, git, host, stages, trees
from imsgen.kernel_test_module.report import Report

ROOT = Path(__file__).resolve().parents[2]


def test_make_test_runs_on_both_kernels() -> None:
    env = {key: value for key, value in host.plain_env().items() if key != "KERNELS"}
    make = ["make", "--dry-run", "--directory", ROOT, "test"]
    said = subprocess.run(make, env=env, check=True, capture_output=True, text=True).stdout
    assert "kernel_test_module test --kernel 6.12 --kernel newest\n" in said


@pytest.mark.parametrize("kernel", sorted(fetch.KERNELS))
def test_prefixes_and_variants_are_built_on_the_reference_kernel(
    kernel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def note(module: object, name: str, result: object = None) -> None:
        def stub(*_: object) -> object:
            done.append(name)
            return result

        monkeypatch.setattr(module, name, stub)

    tree = fetch.Tree(kernel, "linux-source-0", "1", tmp_path)
    prepared = stages.Prepared(tree, trees.Applied("base", ("a", "b"), ()), {})
    monkeypatch.setattr(trees, "added_files", lambda *_: ("a.c",))
    monkeypatch.setattr(trees, "work_at", lambda *_: tmp_path)
    built = build.Build(tmp_path, tmp_path, "x86_64")
    monkeypatch.setattr(stages, "configuration", lambda *_: built)
    for module, name in ((checks, "prefixes"), (build, "kernel"), (checks, "compiled")):
        note(module, name)
    note(stages, "run_boot")
    stages.kunit(stages.Place(tmp_path), prepared, Report(), ["x86_64"], with_checks=True)
    all_of_it = ["prefixes", "kernel", "run_boot", "compiled"]
    assert done == (all_of_it if kernel == stages.REFERENCE else ["kernel", "run_boot"])


def test_only_suites_that_are_asked_for_have_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[list[str], tuple[str, ...]]] = []
    tree = fetch.Tree("6.12", "linux-source-0", "1", tmp_path)
    prepared = stages.Prepared(tree, trees.Applied("base", (), ()), {})
    monkeypatch.setattr(trees, "work_at", lambda *_: tmp_path)
    monkeypatch.setattr(stages, "configuration", lambda *_: build.Build(tmp_path, tmp_path, "um"))
    monkeypatch.setattr(build, "kernel", lambda *_: None)
    monkeypatch.setattr(stages, "expected_suites", lambda *_: ("foo_irqs", "bar_irqs"))

    def run_boot(*words: object) -> None:
        found.append((words[4], words[6]))  # type: ignore[arg-type]

    monkeypatch.setattr(stages, "run_boot", run_boot)
    for only in ("", "foo*", "bar_irqs.case"):
        stages.kunit(stages.Place(tmp_path), prepared, Report(), ["um"], only=only)
    assert found == [
        (["foo_irqs", "bar_irqs"], ()),
        (["foo_irqs"], ("kunit.filter_glob=foo*",)),
        (["bar_irqs"], ("kunit.filter_glob=bar_irqs.case",)),
    ]


def test_a_whole_run_is_in_two_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, ...]] = []
    lock = threading.Lock()

    def step(name: str) -> command.Step:
        def note(place: stages.Place, report: Report, args: argparse.Namespace) -> None:
            with lock:
                done.append((name, *args.kernels))

        return note

    for name in command.LATER:
        monkeypatch.setitem(command.LATER, name, step(name))
    monkeypatch.setattr(command, "suites", step("suites"))
    monkeypatch.setattr(command, "key", lambda *_: "")
    monkeypatch.setattr(command, "generator", lambda *_: None)
    monkeypatch.setattr(stages, "lint", lambda *_: nullcontext())
    monkeypatch.setattr(stages, "setup", lambda report: report.check("packages"))
    words = ["test", "--root", str(tmp_path), "--kernel", "6.12", "--kernel", "newest"]
    assert command.run(command.parser().parse_args(words)) == 0
    lane = [one for one in done if one[1:] == ("newest",)]
    assert lane == [
        ("suites", "newest"),
        *((x, "newest") for x in ("mainline", "updates", "idxd", "converted")),
    ]
    lane = [one[0] for one in done if one[1:] == ("6.12",)]
    assert lane == ["suites", "counts", "idxd", "layouts"]
    assert (
        [one[0] for one in done if len(one) == 3]
        == ["simulate", "e2e", "models"]
        == [one[0] for one in done[-3:]]
    )
    assert {one[0] for one in done} == {"suites", *command.LATER}


def test_what_decides_on_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the repository, a kernel and an option do; what only pytest reads does not."""
    git.git(tmp_path, "init", "--quiet")
    place = stages.Place(tmp_path)
    for name in ("examples/a.ims", "tests/dsl/test_a.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    versions = {"6.12": "1", "newest": "1"}

    def tree(_: stages.Place, kernel: str) -> fetch.Tree:
        if not versions[kernel]:
            raise host.Unavailable("no such suite")
        return fetch.Tree(kernel, "", "", tmp_path / versions[kernel])

    monkeypatch.setattr(stages, "for_kernel", tree)
    monkeypatch.setattr(host, "run", lambda *_: "1.0")

    def key(boots: int = 1) -> Path | None:
        args = argparse.Namespace(kernels=["newest"], boots=boots)
        return command.proof(place, "models", command.key(place, args))

    first = key()
    assert first and key() == first
    (tmp_path / "tests/dsl/test_a.py").write_text("2")
    assert key() == first
    assert key(8) != first
    (tmp_path / "examples/a.ims").write_text("2")
    second = key()
    assert second != first
    versions["newest"] = "2"
    assert key() not in (first, second)
    versions["newest"], versions["6.12"] = "1", "2"
    assert key() not in (first, second)
    versions["newest"] = ""
    assert key() is None


def test_what_measures_is_always_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stages, "content", lambda place: "content")

    def proof(name: str, key: str) -> Path | None:
        return command.proof(stages.Place(tmp_path), name, key)

    assert proof("e2e", "key") is proof("simulate", "key") is proof("layouts", "") is None
    assert proof("layouts", "key") == proof("layouts", "key")
    assert proof("layouts", "key") not in (proof("models", "key"), proof("layouts", "other"))


def test_who_interrupts_ends_both_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_stopped", threading.Event())

    def forever(*_: object) -> None:
        host.follow("sleep", ["sleep", "60"], tmp_path / "log", limit=60)

    def interrupt(*_: object) -> None:
        while not (tmp_path / "log").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(
        command,
        "lane",
        lambda place, report, args, kernels, names: (
            interrupt() if "mainline" in names else forever()
        ),
    )
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        command.lanes(stages.Place(tmp_path), Report(), argparse.Namespace(kernels=["6.12"]))
    assert time.monotonic() - begin < 30


def test_real_interrupts_on_the_kernel_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    regexes: list[str] = []

    def run(place: stages.Place, report: Report, *, kernel: str, only: str, **_: object) -> None:
        asked.append(kernel)
        regexes.append(only)
        if kernel == "newest":
            raise host.Unavailable("no such suite")
        report.check(kernel)

    monkeypatch.setattr(e2e, "run", run)
    words = ["e2e", "--root", str(tmp_path)]
    assert command.run(command.parser().parse_args(words)) == 0
    both = [*words, "--kernel", "newest", "--kernel", "6.12"]
    assert command.run(command.parser().parse_args(both)) == 0
    assert asked == ["6.12", "newest", "6.12"]
    assert "SKIP newest e2e: no such suite\n" in capsys.readouterr().out
    whole = ["test", *both[1:]]
    args = command.parser().parse_args(whole)
    args.kernels = args.kernel
    command.end_to_end(stages.Place(tmp_path), Report(), args)
    assert list(zip(asked, regexes, strict=True))[3:] == [("6.12", ""), ("newest", command.MAIN)]
    names = [boot.name for boot in e2e.boots() if re.search(command.MAIN, boot.name)]
    assert names == [f"{parent}-4" for parent in e2e.PARENTS]
