"""Whatever comes in: no crash, no hang, nothing half done.  ``make fuzz``, ``make night``.

Each case has its own random numbers, made of the seed, the part and the case's number, so that one
that fails can be run again alone:

    python tests/fuzz/fuzz.py --seed 1 --only inputs --case 1234

Exit code 1 if a case failed; counts go to standard output and to build/fuzz.json.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fuzz_inputs
import fuzz_kills

ROOT = Path(__file__).resolve().parents[2]

#: What cases of a part must come to; if none does, all fail at the same gate, and nothing is tried.
BOTH = {
    "inputs": ("taken", "refused"),
    "generator": ("made", "refused"),
    "texts": ("taken", "refused"),
    "trees": ("made", "refused"),
    "folders": ("made right", "refused"),
    "idents": ("taken", "refused"),
}
#: Cases of a part after which that can be told.
ENOUGH = 1000

#: Seconds after which a case hangs, and after which it is slow.
HANG, SLOW = 20, 2.0
#: MiB that the process may take.
MEMORY = 200

Case = Callable[[random.Random, Path], str]

PARTS: dict[str, Case] = {
    "inputs": fuzz_inputs.inputs,
    "generator": fuzz_inputs.generator,
    "texts": fuzz_inputs.texts,
    "trees": fuzz_inputs.trees,
    "folders": fuzz_inputs.folders,
    "idents": fuzz_inputs.idents,
}


class Hangs(Exception):
    """A case takes too long."""


def _alarm(number: int, frame: object) -> None:
    raise Hangs


class Run:
    """One run: what has been tried, and what failed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: dict[str, Counter[str]] = {}
        self.failed: list[str] = []
        self.slowest = (0.0, "none")

    def case(self, part: str, number: int) -> None:
        """One case of a part."""
        counts = self.counts.setdefault(part, Counter())
        rng = random.Random(f"{self.seed}/{part}/{number}")
        signal.signal(signal.SIGALRM, _alarm)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            begun = time.process_time()
            signal.alarm(HANG)
            try:
                outcome = PARTS[part](rng, Path(folder))
            except Hangs:
                outcome = "HANG"
            except Exception:
                outcome = "CRASH"
                traceback.print_exc()
            finally:
                signal.alarm(0)
            spent = time.process_time() - begun
        name = f"--seed {self.seed} --only {part} --case {number}"
        self.slowest = max(self.slowest, (spent, name))
        if spent > SLOW and outcome not in ("HANG", "CRASH"):
            outcome = "SLOW"
        counts["cases"] += 1
        counts[outcome] += 1
        if outcome in ("HANG", "CRASH", "SLOW"):
            self.failed.append(f"{name}: {outcome}")
            print(self.failed[-1], flush=True)

    def kills(self, count: int, pairs: int) -> None:
        """Runs that are killed, and runs at once."""
        todo: list[tuple[str, Callable[[Path], Counter[str]]]] = []
        for number in fuzz_kills.SIGNALS:
            rng = random.Random(f"{self.seed}/{number}")
            todo.append((
                number.name,
                lambda root, rng=rng, number=number: fuzz_kills.kills(rng, count, root, number),
            ))  # fmt: skip
            todo.append((
                f"{number.name} at each step",
                lambda root, number=number: fuzz_kills.steps(root, number, "timer", "plain"),
            ))  # fmt: skip
        todo.append(("pairs", lambda root: fuzz_kills.pairs(pairs, root)))
        for name, part in todo:
            with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
                try:
                    self.counts[name] = part(Path(folder))
                except AssertionError as error:
                    self.failed.append(f"--seed {self.seed} {name}: {error}")
                    self.counts[name] = Counter(CRASH=1)
            self.show(name)

    def show(self, part: str) -> None:
        """The counts of a part."""
        words = ", ".join(f"{count:,} {word}" for word, count in sorted(self.counts[part].items()))
        print(f"{part}: {words}", flush=True)


def main() -> int:
    """Run all parts in turns until the time is over."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="default: the time")
    parser.add_argument("--seconds", type=float, default=300, help="for the parts but the kills")
    parser.add_argument("--kills", type=int, default=1000, help="runs killed by each signal")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of runs at once")
    parser.add_argument("--only", choices=sorted([*PARTS, "kills"]))
    parser.add_argument("--case", type=int, help="this one alone")
    args = parser.parse_args()
    run = Run(int(time.time()) if args.seed is None else args.seed)
    print(f"seed {run.seed}", flush=True)
    if args.only in (None, "kills") and args.case is None:
        run.kills(args.kills, args.pairs)
    names = [name for name in PARTS if args.only in (None, name)]
    end = time.monotonic() + args.seconds
    number = 0 if args.case is None else args.case
    while names and (args.case is not None or time.monotonic() < end):
        for name in names:
            run.case(name, number)
        if args.case is not None:
            break
        number += 1
    for name in names:
        run.show(name)
        run.failed += [
            f"{name}: none of the cases was {outcome}"
            for outcome in BOTH[name]
            if run.counts[name]["cases"] >= ENOUGH and not run.counts[name][outcome]
        ]
    memory = max(
        resource.getrusage(whose).ru_maxrss / 1024
        for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    spent, name = run.slowest
    print(f"slowest case {spent:.2f} s ({name}), most memory {memory:.0f} MiB")
    if memory > MEMORY:
        run.failed.append(f"{memory:.0f} MiB of memory")
    out = ROOT / "build" / "fuzz.json"
    out.parent.mkdir(exist_ok=True)
    result = {"seed": run.seed, "slowest": run.slowest, "memory": memory, "counts": run.counts}
    out.write_text(json.dumps({**result, "failed": run.failed}, indent=1) + "\n")
    print("\n".join(run.failed) or "nothing failed")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
