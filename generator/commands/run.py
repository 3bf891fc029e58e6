"""``imsgen run``: a driver meets the model of its device in a booted kernel."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from imsgen.dsl.model import Device

from ..kernel.edits import EditError
from ..kernel.scripts import ScriptError
from ..kernel.target import TargetError, find_tree
from ..model import emit, kernel, prompt
from ..model.checks import Trial
from ..model.guest import Guest, GuestError
from ..model.runtime import writer
from ..model.uml import Server
from ..patches import PatchError
from ..render import RenderError
from ..series import NamesTaken, SeriesError
from ..terminal import FAILED, OK, Failure, report, say
from . import skeleton
from .common import add_input, load_good, new_parser, put, put_json, refuse_platform

if TYPE_CHECKING:
    from ..model.runtime import Device as Model

#: Seconds that a guest may take to come up.
BOOT = 60.0


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "run",
        "Build a kernel with the device's series and a driver, boot it under User Mode Linux, "
        "attach a model of the device, and say which of its messages arrive. Exit code 1 where "
        "one doesn't, or where the driver does what it must not.",
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
        "--check",
        action="store_true",
        help="try more than sending: masks, reset, removal, and unbinding under fire",
    )
    made.add_argument(
        "--prompt",
        action="store_true",
        help="go on, and have the model do what standard input says, a line each",
    )
    made.add_argument("--trace", metavar="FILE", help="write each access as a line of JSON")
    made.add_argument("--json", action="store_true", help="print what came out as JSON")
    return made


def run(args: argparse.Namespace) -> int:
    """Build, boot, attach and try."""
    (result,) = load_good([args.file], args.folders or ())
    devices = [d for d in result.devices if args.device in (None, d.name)]
    if len(devices) != 1:
        names = ", ".join(d.name for d in result.devices)
        raise Failure(f"error: {args.file} has {names}; say which one by --device")
    (device,) = devices
    refuse_platform(device, "a model to run")
    tree = args.tree if args.tree is not None else find_tree(".")
    if tree is None:
        raise Failure("error: no kernel tree here; give one with --tree")
    driver, name = _driver(device, args.driver)
    model = _model(device, args.model)
    try:
        work = kernel.work_of(tree)
        with kernel.locked(work):
            begin = time.monotonic()
            if not (work.objects / "linux").exists():
                say("building a kernel, which takes minutes; the next time it takes seconds")
            image = kernel.build(work, device, driver, name, args.patch)
            initrd = kernel.start_program(work)
            built = time.monotonic() - begin
            if args.trace:
                model.trace = writer(args.trace)
            return _meet(args, device, model, image, initrd, work.home, built)
    except NamesTaken as taken:
        report(taken.findings)
        raise Failure from taken
    except (kernel.BuildError, GuestError, TargetError, SeriesError) as error:
        first, *more = str(error).splitlines()
        say(f"error: {first}")
        for line in more:
            say(f"  {line}")
        raise Failure from error
    except (RenderError, ScriptError, PatchError, EditError) as error:
        raise Failure(f"error: the generator failed: {error}") from error
    except OSError as error:
        raise Failure(f"error: {error.filename}: {error.strerror}") from error


def _driver(device: Device, path: str | None) -> tuple[str, str]:
    """The driver's text, and what errors call it."""
    if path is None:
        return skeleton.text_of(device), f"{device.name}-skeleton.c"
    try:
        return Path(path).read_text("utf-8"), path
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"error: {path}: {getattr(error, 'strerror', error)}") from error


def _model(device: Device, path: str | None) -> Model:
    try:
        text = emit.text_of(device) if path is None else Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"error: {path}: {getattr(error, 'strerror', error)}") from error
    except RenderError as error:
        raise Failure(f"error: the generator failed: {error}") from error
    try:
        model: Model = emit.model_module("model", text, path or f"{device.name}_model.py").Model()
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
    image: Path,
    initrd: Path,
    home: Path,
    built: float,
) -> int:
    with tempfile.TemporaryDirectory(prefix="imsgen-") as folder:
        server = Server(model, os.path.join(folder, "device"))
        server.start()
        begin = time.monotonic()
        guest = Guest(image, initrd, server.path, home)
        try:
            guest.wait(BOOT)
            trial = Trial(model, guest)
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
                "parent": "uml",
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
