"""``imsgen run``: a driver meets the model of its device in a booted kernel."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from imsgen.dsl import bounded
from imsgen.dsl.model import Device

from ..kernel.edits import EditError
from ..kernel.scripts import ScriptError
from ..kernel.target import TargetError, find_tree
from ..model import emit, kernel, machine, prompt, reports
from ..model.checks import Result, Trial
from ..model.guest import Guest, GuestError
from ..model.runtime import writer
from ..patches import PatchError
from ..render import RenderError
from ..series import NamesTaken, SeriesError
from ..terminal import FAILED, OK, Failure, report, say
from . import skeleton
from .common import (
    add_input,
    check_apart,
    load_named,
    new_parser,
    put,
    put_json,
    refuse_platform,
    store,
)

if TYPE_CHECKING:
    from ..model.runtime import Device as Model

#: Bytes that a driver, a model or a patch has at most.
LARGEST = 16 << 20


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "run",
        "Build a kernel with the device's series and a driver, boot it under User Mode Linux or "
        "in QEMU, attach a model of the device, and say which of its messages arrive. Exit code 1 "
        "where one doesn't, or where the driver does what it must not.",
    )
    add_input(made, many=False)
    made.add_argument("--device", metavar="NAME", help="which one, of a layout with several")
    made.add_argument(
        "--driver",
        metavar="FILE.c",
        help="the driver (default: the one that imsgen skeleton makes)",
    )
    made.add_argument(
        "--model",
        metavar="FILE.py",
        help="the model, extended (default: the one that imsgen model makes)",
    )
    made.add_argument(
        "--tree",
        metavar="PATH",
        help="the kernel tree, a git repository, which stays as it is (default: the one here)",
    )
    made.add_argument(
        "--patch",
        action="append",
        default=[],
        metavar="FILE",
        help="a patch for the kernel with the series; several may be given",
    )
    made.add_argument(
        "--on",
        choices=("uml", *machine.PARENTS),
        default="uml",
        help="User Mode Linux with one CPU (the default), or QEMU with four: on the vector domain "
        "alone, or below Intel's interrupt remapping",
    )
    made.add_argument(
        "--qemu",
        default=machine.PROGRAM,
        metavar="PATH",
        help=f"the QEMU for that (default: {machine.PROGRAM})",
    )
    made.add_argument(
        "--check",
        action="store_true",
        help="try more than sending: masks, reset, removal, and unbinding under fire",
    )
    made.add_argument(
        "--prompt",
        action="store_true",
        help="go on, and have the model do what standard input says, a line each",
    )
    made.add_argument(
        "--gdb",
        action="store_true",
        help="have gdb run the guest, and stop where the driver is about to take the device",
    )
    made.add_argument("--trace", metavar="FILE", help="write each access as a line of JSON")
    made.add_argument("--json", action="store_true", help="print what came out as JSON")
    made.add_argument("--junit", metavar="FILE", help="write what came out as JUnit has it")
    made.add_argument("--ktap", metavar="FILE", help="write it as tests of a kernel do")
    return made


def run(args: argparse.Namespace) -> int:
    """Build, boot, attach and try."""
    (result,) = load_named([args.file], args.folders or ())
    devices = [d for d in result.devices if args.device in (None, d.name)]
    if len(devices) != 1:
        names = ", ".join(d.name for d in result.devices)
        raise Failure(f"error: {args.file} has {names}; say which one by --device")
    (device,) = devices
    refuse_platform(device, "a model to run")
    if why := machine.refusal(device, args.on):
        raise Failure(f"error: {why}")
    tree = args.tree if args.tree is not None else find_tree(".")
    if tree is None:
        raise Failure("error: no kernel tree here; give one with --tree")
    if args.gdb and args.on != "uml":
        raise Failure("error: --gdb: only User Mode Linux is run by gdb; leave out --on")
    if args.gdb and not shutil.which("gdb"):
        raise Failure("error: --gdb: there is no gdb here; it is in the package gdb")
    check_apart(
        [path for path in (args.file, args.driver, args.model, *args.patch) if path],
        [path for path in (args.junit, args.ktap, args.trace) if path],
    )
    driver, name = _driver(device, args.driver)
    model = _model(device, args.model)
    for path in args.patch:
        _bytes(path)
    results: list[Result] = []
    begin = time.monotonic()
    # Before the minutes that a build takes.
    for path in (args.junit, args.ktap):
        if path is not None:
            _keep(path, "")
    try:
        if args.trace:
            model.trace = writer(args.trace)
        program = "" if args.on == "uml" else machine.check(args.qemu)
        work = kernel.work_of(tree, machine.kind_of(args.on))
        with kernel.locked(work):
            begin = time.monotonic()
            if not work.image.exists():
                say("building a kernel, which takes minutes; the next time it takes seconds")
            image = kernel.build(work, device, driver, name, args.patch)
            initrd = kernel.start_program(work)
            built = time.monotonic() - begin

            def boot(path: str) -> Guest:
                debug = (args.driver or f"{device.name}.c") if args.gdb else None
                return machine.boot(args.on, program, image, initrd, path, work.home, debug)

            return _meet(args, device, model, boot, built, results)
    except NamesTaken as taken:
        report(taken.findings)
        raise Failure from taken
    except (kernel.BuildError, machine.MachineError, GuestError, TargetError, SeriesError) as error:
        first, *more = str(error).splitlines()
        say(f"error: {first}")
        for line in more:
            say(f"  {line}")
        results.append(Result("run", False, str(error)))
        raise Failure from error
    except (RenderError, ScriptError, PatchError, EditError) as error:
        results.append(Result("run", False, str(error)))
        raise Failure(f"error: the generator failed: {error}") from error
    except OSError as error:
        results.append(Result("run", False, str(error)))
        raise Failure(f"error: {error.filename}: {error.strerror}") from error
    finally:
        if results and args.junit is not None:
            _keep(args.junit, reports.junit(device.name, results, time.monotonic() - begin))
        if results and args.ktap is not None:
            _keep(args.ktap, reports.ktap(device.name, results))


def _keep(path: str, text: str) -> None:
    try:
        store(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise Failure(f"error: {path}: {error.strerror}") from error


def _bytes(path: str) -> bytes:
    """What a file of the user's holds.  Raises :class:`Failure`."""
    try:
        return bounded.read_all(path, LARGEST)
    except OSError as error:
        raise Failure(f"error: {path}: {error.strerror}") from error


def _text(path: str) -> str:
    try:
        return _bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failure(f"error: {path}: {error}") from error


def _driver(device: Device, path: str | None) -> tuple[str, str]:
    """The driver's text, and what errors call it."""
    if path is None:
        return skeleton.text_of(device), f"{device.name}-skeleton.c"
    # Compilers and debuggers call it what the user does.
    place = re.sub(r'["\\]', r"\\\g<0>", os.path.abspath(path)).replace("\n", "\\n")
    return f'#line 1 "{place}"\n{_text(path)}', path


def _model(device: Device, path: str | None) -> Model:
    try:
        text = emit.text_of(device) if path is None else _text(path)
    except RenderError as error:
        raise Failure(f"error: the generator failed: {error}") from error
    path = path or f"{device.name}_model.py"
    try:
        model: Model = emit.model_module("model", text, path).Model()
    except Exception as error:
        raise Failure(f"error: {path}: {type(error).__name__}: {error}") from error
    return model


def _prompt(name: str, trial: Trial) -> None:
    say(f"({name}) send STORE INDEX [COUNT]; a line that is no command lists all of them")
    for line in sys.stdin:
        put(prompt.do(trial.device, line))
        trial.sync()


def _meet(
    args: argparse.Namespace,
    device: Device,
    model: Model,
    boot: Callable[[str], Guest],
    built: float,
    results: list[Result],
) -> int:
    with tempfile.TemporaryDirectory(prefix="imsgen-") as folder:
        server = machine.carrier(model, args.on, os.path.join(folder, "device"))
        server.start()
        begin = time.monotonic()
        guest = boot(server.path)
        try:
            guest.wait(guest.boot)
            trial = Trial(model, guest, results)
            trial.probed()
            booted = time.monotonic() - begin
            if args.check:
                trial.all()
            else:
                trial.send()
                trial.rules()
            good = all(result.good for result in trial.results)
            _show(args, device, trial, {"built": round(built, 1), "probed": round(booted, 1)}, good)
            if args.prompt:
                _prompt(device.name, trial)
        except GuestError as error:
            known = [*([server.broken] if server.broken else []), *map(str, model.findings)]
            raise GuestError("\n".join([str(error), *known])) from error
        finally:
            guest.stop()
            server.stop()
    return OK if good else FAILED


def _show(
    args: argparse.Namespace, device: Device, trial: Trial, took: dict[str, float], good: bool
) -> None:
    """Print what came out; ``took`` are seconds."""
    rows = trial.rows()
    if args.json:
        put_json(
            {
                "device": device.name,
                "parent": args.on,
                "cpus": trial.guest.cpus,
                **took,
                "good": good,
                "checks": [asdict(result) for result in trial.results],
                "messages": [asdict(row) for row in rows],
                "findings": [asdict(finding) for finding in trial.device.findings],
            }
        )
        return
    put(f"built {took['built']} s, probed {took['probed']} s\n")
    for row in rows:
        place = f"{row.store}[{row.index}]"
        put(f"  {place:12} {row.state:7} {row.name:24} sent {row.sent} handled {row.handled}\n")
    for result in trial.results:
        put(f"  {'ok  ' if result.good else 'FAIL'} {result.name:11} {result.text}\n")
