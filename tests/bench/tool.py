"""How long the tool takes, beside its peers and for larger inputs: ``make bench-tool``.

Everything is measured as whole processes, one after the other in turns: CPU time (user and
system) and the most memory, from what the kernel counts for the process.  The package is installed
from a build into a virtual environment of its own, as users have it, with compiled modules.
Linux counts what the process had before it became the command, too: this script's own memory (10 to
20 MiB) is the least that the column of memory can show.

What they write goes to memory where there is such a file system: how long a disk's takes to make a
file depends on what was deleted on it in the last minutes (ext4 looks for inodes that weren't), and
is up to twenty times of what the tool itself takes.

- YNL: the kernel's tools/net/ynl/ynl-gen-c.py on fou.yaml, the files that ynl-regen.sh makes of it;
- ``peakrdl c-header`` on registers that are like the interrupt registers of a device.

Writes build/bench-tool.json, a table to standard output, and with --docs one to docs/bench.md.
Needs a kernel tree for YNL: --tree, else IMSGEN_TREE, else the one that the runner fetches.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What is measured needs these, and nothing of the package does.
PEERS = ("jsonschema", "peakrdl", "peakrdl-cheader", "pyyaml")

#: Factors by which inputs grow.
FACTORS = (1, 10, 100, 1000)

#: A file system in memory, and what must be free there: bytes that the largest case writes, twice.
MEMORY = Path("/dev/shm")
ROOM = 256 << 20

#: Between these lines of docs/bench.md are the results.
BEGIN, END = "<!-- tool: made by `make bench-tool` -->", "<!-- end of tool -->"

#: Seconds of CPU time after which a process is stuck.
LIMIT = 120

YNL = "tools/net/ynl"
SPEC = "Documentation/netlink/specs/fou.yaml"

RDL = """\
addrmap idxd {
    reg { field { sw = rw; hw = r; } address[32] = 0; } lo @0x0;
    reg { field { sw = rw; hw = r; } address[32] = 0; } hi @0x4;
    reg { field { sw = rw; hw = r; } data[32] = 0; } data @0x8;
    reg { field { sw = rw; hw = r; } mask[1] = 0; field { sw = rw; hw = r; } pasid[20] = 0; }
        control @0xc;
};
"""


@dataclass(frozen=True)
class Sample:
    """One process: CPU time in ms, peak of resident memory in MiB."""

    cpu: float
    memory: float


@dataclass(frozen=True)
class Case:
    """Commands that run one after the other, and count together."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    input_bytes: int = 0
    cwd: Path | None = None


@dataclass(frozen=True)
class Row:
    """What came out: medians, CPU in ms, memory in MiB, sizes in bytes."""

    name: str
    runs: int
    cpu: float
    cpu_least: float
    cpu_most: float
    memory: float
    input_bytes: int
    output_bytes: int


def measure(command: Sequence[str], cwd: Path | None) -> Sample:
    """Run a command to its end.  Raises RuntimeError if it fails."""
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1):
                os.dup2(null, stream)
            if cwd is not None:
                os.chdir(cwd)
            os.execv(command[0], list(command))
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"failed with status {status:#x}: {' '.join(command)}")
    return Sample((usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024)


def bench(cases: Sequence[Case], runs: int, out: Path) -> list[Row]:
    """Each case ``runs`` times, in turns: what else the machine does hits all alike."""
    cpu: dict[str, list[float]] = {case.name: [] for case in cases}
    memory: dict[str, list[float]] = {case.name: [] for case in cases}
    made: dict[str, int] = {}
    for number in range(runs + 1):
        for case in cases:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            samples = [measure(command, case.cwd) for command in case.commands]
            if number:  # the first run only warms caches of the file system
                cpu[case.name].append(sum(s.cpu for s in samples))
                memory[case.name].append(max(s.memory for s in samples))
            made[case.name] = sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
    return [
        Row(
            case.name,
            runs,
            round(statistics.median(cpu[case.name]), 1),
            round(min(cpu[case.name]), 1),
            round(max(cpu[case.name]), 1),
            round(statistics.median(memory[case.name]), 1),
            case.input_bytes,
            made[case.name],
        )
        for case in cases
    ]


# --- what is measured -------------------------------------------------------------------------


def install(home: Path) -> Path:
    """A virtual environment with the package as it is built, and the peers; its bin folder."""
    tool = home / "venv"
    if not (tool / "bin" / "python").exists():
        venv.create(tool, with_pip=True)
    pip = [str(tool / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check"]
    subprocess.run([*pip, *PEERS], check=True)
    # pip builds in a copy of its own only if there is nothing in the way of it here.
    source = home / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in ("dsl", "generator", "templates"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(source)], check=True)
    subprocess.run([*pip, str(source)], check=True)
    return tool / "bin"


def peers(bin_dir: Path, tree: Path, home: Path, out: Path) -> list[Case]:
    """The tool and its peers, each on an input of the size that it has in real life."""
    example = ROOT / "examples" / "idxd.ims"
    registers = home / "idxd.rdl"
    registers.write_text(RDL)
    python, tool = str(bin_dir / "python"), str(bin_dir / "imsgen")
    ynl = (python, str(tree / YNL / "ynl-gen-c.py"), "--spec", str(tree / SPEC))
    generate = tuple(
        (*ynl, "--mode", "kernel", kind, "-o", str(out / f"fou.{kind[2]}"))
        for kind in ("--source", "--header")
    )
    size = example.stat().st_size
    spec_size = (tree / SPEC).stat().st_size
    return [
        Case("python -c pass", ((python, "-c", "pass"),)),
        Case("imsgen check", ((tool, "check", str(example)),), size, home),
        Case("imsgen", ((tool, str(example), "-o", str(out)),), size, home),
        Case("ynl-gen-c --source", (generate[0],), spec_size),
        Case("ynl-gen-c --source, --header", generate, spec_size),
        Case(
            "peakrdl c-header",
            ((str(bin_dir / "peakrdl"), "c-header", str(registers), "-o", str(out / "idxd.h")),),
            len(RDL),
        ),
    ]


STORE = """    store ims: iomem {{
        bar 0; offset 0; slots {slots};
        slot 16 {{ address_lo @0; address_hi @4; data @8; control @12 {{ mask bit 0; }} }}
    }}
"""


def device(number: int, slots: int, body: str) -> str:
    """A device of that number with one store."""
    store = STORE.format(slots=slots)
    return f'device dev{number} "Device" {{\n    pci 1af4:{number:04x};\n{store}{body}}}\n'


def vectors(count: int) -> str:
    """A device with ``count`` special vectors."""
    body = "".join(f'    vector v{n} = ims[{n}] "vector";\n' for n in range(count))
    return device(1, 1024, body)


def pools(count: int) -> str:
    """A device with ``count`` pools."""
    policy = '"pool" { share per cpu up to 8; dedicated; }'
    body = "".join(f"    pool p{n} = ims[{8 * n}..{8 * n + 7}] {policy}\n" for n in range(count))
    return device(1, 8192, body)


def devices(count: int) -> str:
    """``count`` devices, each with both stores, a vector and a pool."""
    return "".join(
        device(
            n + 1,
            64,
            '    store table: msix;\n    vector misc = table[0] "misc";\n'
            '    pool wq = table[1..] + ims "queues" { share per cpu up to 8; dedicated; }\n',
        )
        for n in range(count)
    )


def slots(count: int) -> str:
    """A device with a pool of ``count`` vectors."""
    return device(1, count, '    pool wq = ims "queues" { share per cpu up to 8; dedicated; }\n')


GROWTH: dict[str, tuple[Callable[[int], str], tuple[int, ...]]] = {
    "vectors": (vectors, FACTORS),
    "pools": (pools, FACTORS),
    "devices": (devices, FACTORS),
    "slots of a pool": (slots, (8, 65536)),
}


def growing(bin_dir: Path, home: Path, out: Path, most: int) -> list[Case]:
    """The tool on larger and larger inputs."""
    cases = []
    for what, (make, counts) in GROWTH.items():
        for count in counts:
            if count > most and what != "slots of a pool":
                continue
            path = home / f"{what.split()[0]}_{count}.ims"
            path.write_text(make(count))
            command = (str(bin_dir / "imsgen"), str(path), "-o", str(out))
            cases.append(Case(f"{what}: {count}", (command,), path.stat().st_size, home))
    return cases


# --- the result -------------------------------------------------------------------------------


def ratios(rows: Sequence[Row]) -> dict[str, float]:
    """What the targets are about: CPU time against bare Python and against the peers."""
    cpu = {row.name: row.cpu for row in rows}
    out = {
        f"{ours} / {other}": round(cpu[ours] / cpu[other], 2)
        for ours in ("imsgen", "imsgen check")
        for other in ("python -c pass", "ynl-gen-c --source", "peakrdl c-header")
    }
    for what, (_, counts) in GROWTH.items():
        first = cpu[f"{what}: {counts[0]}"]
        for count in counts[1:]:
            if f"{what}: {count}" in cpu:
                out[f"{what}: {count} / {counts[0]}"] = round(cpu[f"{what}: {count}"] / first, 2)
    return out


def table(rows: Sequence[Row]) -> str:
    """The rows for reading."""
    lines = [
        f"{'':30} {'CPU ms':>8} {'least':>8} {'most':>8} {'MiB':>6} {'in kB':>7} {'out kB':>8}",
    ]
    lines += [
        f"{r.name:30} {r.cpu:8.1f} {r.cpu_least:8.1f} {r.cpu_most:8.1f} {r.memory:6.1f} "
        f"{r.input_bytes / 1e3:7.1f} {r.output_bytes / 1e3:8.1f}"
        for r in rows
    ]
    return "\n".join(lines)


def page(text: str, rows: Sequence[Row], compared: dict[str, float]) -> str:
    """The text of docs/bench.md with these results.  Raises ValueError if it has no place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for results: {BEGIN} and {END}")
    lines = [
        "| | CPU | memory | input | output |",
        "| --- | --: | --: | --: | --: |",
        *(
            f"| `{r.name}` | {r.cpu:,.1f} ms ({r.cpu_least:,.1f} to {r.cpu_most:,.1f}) | "
            f"{r.memory:.0f} MiB | {r.input_bytes / 1e3:,.1f} kB | {r.output_bytes / 1e3:,.1f} kB |"
            for r in rows
        ),
        "",
        "| ratio of CPU time | |",
        "| --- | --: |",
        *(f"| {name} | {ratio:.2f} |" for name, ratio in compared.items()),
    ]
    return before + "\n".join([begin, "", *lines, "", end]) + after


def scratch(home: Path) -> Path:
    """An empty folder for what is written: in memory, or below ``home``."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    if roomy and shutil.disk_usage(MEMORY).free >= ROOM:
        home = MEMORY
    return Path(tempfile.mkdtemp(prefix="imsgen-bench-", dir=home))


def kernel_tree(given: str | None, home: Path) -> Path:
    """The kernel tree to take YNL from."""
    path = given or os.environ.get("IMSGEN_TREE")
    if path:
        return Path(path).resolve()
    from imsgen.kernel_test_module import fetch

    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    return fetch.fetch(fetch.KERNELS["6.12"], logs).apply


def copy_ynl(tree: Path, into: Path, python: Path) -> None:
    """YNL and its specification, its modules compiled as the package's are."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(tree / YNL / "lib", into / YNL / "lib")
    shutil.copy(tree / YNL / "ynl-gen-c.py", into / YNL)
    (into / SPEC).parent.mkdir(parents=True)
    shutil.copy(tree / SPEC, into / SPEC)
    for schema in (tree / SPEC).parents[1].glob("*.yaml"):
        shutil.copy(schema, (into / SPEC).parents[1])
    # By this file YNL knows where the tree starts; without it, it looks for ever.
    (into / "MAINTAINERS").touch()
    subprocess.run([str(python), "-m", "compileall", "-q", str(into / YNL / "lib")], check=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tree", help="a kernel tree with tools/net/ynl")
    parser.add_argument("--runs", type=int, default=21, help="of each process (default: 21)")
    parser.add_argument("--growth-runs", type=int, default=3, help="(default: 3)")
    parser.add_argument("--most", type=int, default=1000, help="largest factor (default: 1000)")
    parser.add_argument("--docs", action="store_true", help="write docs/bench.md too")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "bench-tool.json")
    args = parser.parse_args(argv)
    home = ROOT / "build" / "bench-tool"
    home.mkdir(parents=True, exist_ok=True)
    tree = kernel_tree(args.tree, home)
    bin_dir = install(home)
    copy_ynl(tree, home / "kernel", bin_dir / "python")
    place = scratch(home)
    out = place / "out"
    try:
        rows = bench(peers(bin_dir, home / "kernel", home, out), args.runs, out)
        rows += bench(growing(bin_dir, home, out, args.most), args.growth_runs, out)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    compared = ratios(rows)
    result = {
        "python": sys.version.split()[0],
        "rows": [asdict(row) for row in rows],
        "ratios": compared,
    }
    args.output.write_text(json.dumps(result, indent=1) + "\n")
    if args.docs:
        document = ROOT / "docs" / "bench.md"
        document.write_text(page(document.read_text(), rows, compared))
    print(table(rows))
    print()
    for name, ratio in compared.items():
        print(f"{name:45} {ratio:8.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
