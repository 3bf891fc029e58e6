"""The kernel's own static checks on a series: checkpatch, kernel-doc, sparse, W=1, prefixes."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from . import build, git, host, kconfig, trees
from .fetch import Tree
from .report import Report

ALLOWED_CHECKPATCH = frozenset({"MISSING_SIGN_OFF", "FILE_PATH_CHANGES", "UNKNOWN_COMMIT_ID"})
"""An unsigned series lacks its sign-off. Whether MAINTAINERS covers new files says `maintained()`.
The tree that patches are tried on has no history in which commits of Linux could be found."""

DOCUMENTATION = ("Documentation/", "MAINTAINERS")

ON_TREE = 120.0
"""Seconds for one static check of one file."""


@dataclass(frozen=True)
class Variant:
    """A configuration in which things are compiled, and not linked."""

    name: str
    options: tuple[str, ...] = ()
    """For make"""
    changes: tuple[tuple[str, str], ...] = ()
    """What differs from the kernel that boots"""
    drop: tuple[str, ...] = ()
    """Symbols that can't be as in the kernel that boots, by regular expression"""
    targets: tuple[str, ...] = ()
    """For make; none: the new objects"""
    modules: bool = False
    """Whether the series' own symbols are m"""


OWN = r"CONFIG_\w+_IRQS|CONFIG_\w+_KUNIT_TEST|CONFIG_(IMS|IRQ)_\w*KUNIT\w*"
"""The symbols of a series, in a .kunitconfig and elsewhere."""

VARIANTS = (
    Variant("W=1 C=2", ("W=1", "C=2")),
    Variant(
        "SMP=n",
        ("W=1",),
        (("CONFIG_SMP", "n"),),
        ("CONFIG_NR_CPUS", "CONFIG_HOTPLUG_CPU", "CONFIG_CPU_ISOLATION", r"CONFIG_\w*NUMA"),
    ),
    Variant("modules", ("W=1",), (("CONFIG_MODULES", "y"),), modules=True),
    Variant(
        "PCI_MSI=n",
        changes=(("CONFIG_PCI_MSI", "n"),),
        drop=(OWN, r"CONFIG_\w*(IOMMU|IRQ_REMAP|X2APIC)\w*"),
        targets=("drivers/pci/", "drivers/irqchip/", "kernel/irq/"),
    ),
)


def findings(text: str) -> tuple[str, ...]:
    """The lines of `checkpatch --terse --show-types` that are not allowed."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\S*?:\d*:? ?(?:ERROR|WARNING|CHECK):(\w+): ", line)
        if match and match[1] not in ALLOWED_CHECKPATCH:
            found.append(line)
        elif not match and re.search(r"\b(?:ERROR|WARNING|CHECK):", line):
            kind = re.search(r"(?:ERROR|WARNING|CHECK):(\w+)", line)
            if not kind or kind[1] not in ALLOWED_CHECKPATCH:
                found.append(line)
    return tuple(found)


def warnings_about(text: str, files: Iterable[str]) -> tuple[str, ...]:
    """The compiler's and sparse's lines in a build log that concern FILES (tree paths)."""
    names = tuple(files)
    return tuple(
        line.strip()
        for line in text.splitlines()
        if re.search(r"\b(?:warning|error):", line) and any(name in line for name in names)
    )


def call(command: Sequence[str | Path], cwd: Path) -> tuple[int, str]:
    """Exit code and all output of a short command."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=host.plain_env(PYTHONDONTWRITEBYTECODE="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=ON_TREE,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def checkpatch_faults(work: Path, *words: str | Path) -> list[str]:
    """What `checkpatch.pl --strict` of the tree WORK has against a patch, or with "-f" a file."""
    script = ["perl", "scripts/checkpatch.pl", "--strict", "--terse", "--show-types"]
    code, said = call([*script, "--no-summary", *words], work)
    faults = list(findings(said))
    if code not in (0, 1) or (code and not said.strip()):
        faults.append(f"checkpatch.pl ended with {code}: {said.strip()}")
    return faults


def kernel_doc_faults(work: Path, name: str) -> list[str]:
    """What kernel-doc of the tree WORK has against its file NAME."""
    code, said = call(["scripts/kernel-doc", "-none", "-Wall", "-Werror", name], work)
    faults = [line for line in said.splitlines() if line.strip()]
    return faults or ([f"ended with {code}"] if code else [])


def checkpatch(tree: Tree, mboxes: dict[str, bytes], report: Report, tag: str) -> None:
    """`checkpatch.pl --strict` on each patch of each series, as the series has it."""

    def faults_in(patch: Path) -> list[str]:
        said = checkpatch_faults(tree.apply, patch)
        return [fault.replace(str(patch), patch.name) for fault in said]

    for name, mbox in mboxes.items():
        todo = {
            f"{tag} checkpatch {name} {patch.name}": (
                patch.read_text(errors="surrogateescape"),
                partial(faults_in, patch),
            )
            for patch in trees.split(mbox, tree.home / "patches")
        }
        proven(tree, todo, report)


def maintained(tree: Tree, files: Iterable[str], report: Report, tag: str) -> None:
    """Each new file is in a section of MAINTAINERS which names somebody."""
    script = ["perl", "scripts/get_maintainer.pl", "--no-git", "--no-git-fallback", "--no-l"]
    for name in files:
        code, said = call([*script, "--no-rolestats", "-f", name], tree.apply)
        named = [line for line in said.splitlines() if "@" in line and "torvalds@" not in line]
        faults = [] if named and not code else [f"nobody maintains it: {said.strip()}"]
        report.check(f"{tag} get_maintainer {name}", faults)


def kernel_doc(tree: Tree, files: Iterable[str], report: Report, tag: str) -> None:
    """kernel-doc on each new C file, headers too: nothing to say."""
    todo = {
        f"{tag} kernel-doc {name}": (name, partial(kernel_doc_faults, tree.apply, name))
        for name in files
        if name.endswith((".c", ".h"))
    }
    proven(tree, todo, report)


def proven(
    tree: Tree, todo: Mapping[str, tuple[str, Callable[[], list[str]]]], report: Report
) -> None:
    """Make checks of the tree that is applied, as many at once as there are CPUs.

    TODO has for each name what else than the tree decides on the result, and what gives the faults.
    What passed once for the same tree is not done again.
    """
    head = git.git(tree.apply, "rev-parse", "HEAD")

    def faults(name: str) -> list[str]:
        key, check = todo[name]
        proof = proof_of(tree, name, head, key)
        if proof.exists():
            return []
        found = check()
        if not found:
            proof.touch()
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, found in zip(todo, pool.map(faults, todo), strict=True):
            report.check(name, found)


def objects_of(files: Iterable[str]) -> tuple[str, ...]:
    """The objects that the new C files make."""
    return tuple(name[:-2] + ".o" for name in files if name.endswith(".c"))


def wanted_in(variant: Variant, kernel: Mapping[str, str]) -> dict[str, str]:
    """The symbols of a VARIANT, from those of the KERNEL that boots."""
    kept = {
        name: value
        for name, value in kernel.items()
        if not any(re.fullmatch(pattern, name) for pattern in variant.drop)
    }
    if variant.modules:
        kept |= {name: "m" for name in kept if re.fullmatch(OWN, name)}
    return kept | dict(variant.changes)


def compiled(
    tree: Tree, files: tuple[str, ...], full: build.Build, report: Report, tag: str
) -> None:
    """Every new object in each of `VARIANTS`, with no warning; modules link to exports only.

    What passed once, with this content, configuration and compiler, is not compiled again.
    """
    commit = git.git(tree.work, "rev-parse", "HEAD")
    for variant in VARIANTS:
        own = replace(
            full,
            # Whole directories stay as they are from run to run only in a place of their own.
            objects=tree.objects("check-dirs" if variant.targets else "check"),
            label=f"{full.label}-check",
            wanted=wanted_in(variant, full.wanted),
        )
        proof = build_proof(tree, commit, own, repr(variant))
        known = proof.exists()
        faults = () if known else faults_in(variant, own, files)
        passed = report.check(f"{tag} compiles with {variant.name}", faults)
        if passed and variant.modules:
            faults = () if known else unexported(full, own, objects_of(files))
            passed = report.check(f"{tag} modules need exported symbols only", faults)
        if passed:
            proof.touch()


def faults_in(variant: Variant, own: build.Build, files: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with the files in one variant. Objects are made anew, for their warnings."""
    objects = objects_of(files)
    for path in objects:
        (own.objects / path).unlink(missing_ok=True)
    step = re.sub(r"\W+", "-", variant.name).strip("-")
    try:
        build.configure(own)
        said = build.compile_targets(own, variant.targets or objects, step, *variant.options)
    except host.StageError as error:
        return tuple(str(error).splitlines())
    return warnings_about(said, files)


def undefined(text: str) -> frozenset[str]:
    """The names in the output of `nm --undefined-only`."""
    return frozenset(line.split()[-1] for line in text.splitlines() if " U " in f" {line.strip()} ")


def exported(text: str) -> frozenset[str]:
    """The names in a Module.symvers file."""
    rows = (line.split("\t") for line in text.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 2)


def unexported(full: build.Build, module: build.Build, objects: Iterable[str]) -> tuple[str, ...]:
    """What the objects use as modules, and neither the kernel nor one of them exports."""
    symvers = full.objects / "vmlinux.symvers"
    if not symvers.is_file():
        return (f"{symvers.name} is missing: the kernel was built without modules",)
    # What THIS_MODULE is comes with the module's last link
    known = {"__this_module", *exported(symvers.read_text())}
    needed: dict[str, frozenset[str]] = {}
    for name in objects:
        path = module.objects / name
        # The library is a part of the kernel
        if "-DMODULE" not in path.with_name(f".{path.name}.cmd").read_text():
            continue
        needed[name] = undefined(host.run(["nm", "--undefined-only", path]))
        defined = host.run(["nm", "--defined-only", path])
        known |= set(re.findall(r"__export_symbol_(\w+)", defined))
    return tuple(
        f"{name} needs {symbol}"
        for name, symbols in needed.items()
        for symbol in sorted(symbols - known)
    )


def kunitconfigs(work: Path, files: Iterable[str]) -> list[str]:
    """The texts of the .kunitconfig files that a series adds."""
    return [(work / name).read_text() for name in sorted(files) if name.endswith(".kunitconfig")]


def targets(tree: Tree, commit: str) -> tuple[str, ...]:
    """What has to be made at a COMMIT; nothing where nothing of it is compiled.

    Whoever includes a header can be anywhere, unless the header is new, or of its folder alone.
    Objects of other folders stay as they are. They are linked in the kernel that boots.
    """
    rows = git.git(tree.apply, "diff-tree", "--no-commit-id", "--name-status", "-r", commit)
    folders = set()
    for state, name in (row.split("\t") for row in rows.splitlines()):
        if name.startswith(DOCUMENTATION):
            continue
        folder = name.rpartition("/")[0].removesuffix("/tests") + "/"
        if not re.search(r"(^|/)include/", folder):
            folders.add(folder)
        elif state != "A":
            return (".",)
    return tuple(sorted(folders))


def proof_of(tree: Tree, *parts: str) -> Path:
    """The file that exists once a check has passed; PARTS are all that decides on its result."""
    proofs = tree.home / "proofs"
    proofs.mkdir(exist_ok=True)
    text = "\n".join(parts)
    return proofs / hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def build_proof(tree: Tree, commit: str, one: build.Build, *more: str) -> Path:
    """The proof that COMMIT compiles as ONE and MORE say: content, configuration, compiler."""
    content = git.git(tree.apply, "rev-parse", f"{commit}^{{tree}}")
    compiler = host.run(["gcc", "--version"]).splitlines()[0]
    return proof_of(tree, content, kconfig.as_text(dict(one.wanted)), compiler, *more)


def prefixes(
    tree: Tree, applied: trees.Applied, full: build.Build, report: Report, tag: str
) -> None:
    """Each prefix of the series builds, the last one excepted: that is the kernel that boots.

    A prefix that was built once, with this content, configuration and compiler, is not built again.
    """
    total = len(applied.commits)
    for number, commit in enumerate(applied.commits[:-1], 1):
        name = f"{tag} prefix {number}/{total} builds"
        proof = build_proof(tree, commit, full)
        what = targets(tree, commit)
        if proof.exists() or not what:
            report.check(name)
            continue
        try:
            trees.work_at(tree, commit)
            build.configure(full, partial=True)
            said = build.compile_targets(full, what, f"prefix-{number}")
        except host.StageError as error:
            report.check(f"{name}: {trees.subject(tree, commit)}", str(error).splitlines())
            continue
        changed = git.git(tree.apply, "diff", "--name-only", applied.base, commit).split()
        if report.check(name, warnings_about(said, changed)):
            proof.touch()
