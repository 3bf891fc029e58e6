"""Try a driver on the model of its device: what is sent arrives, once, and nothing else does."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .guest import Guest, GuestError
from .runtime import Device

#: The device in the guest: the only one.
ADDRESS = "0000:00:00.0"
PLACE = f"/sys/bus/pci/devices/{ADDRESS}"

#: Seconds that what has been sent may take to arrive, and a driver to probe.
ARRIVE, PROBE = 20.0, 20.0

#: A line of /proc/interrupts on one CPU: number, count, chip, index, flow, and whose it is.
_LINE = re.compile(rf"(?m)^ *(\d+): +(\d+) +(\S.*?)-{re.escape(ADDRESS)} +(\d+)-edge *(?:  (.*))?$")

#: What a kernel says that something is wrong.
_SPLAT = re.compile(r"WARNING:|BUG:|Oops|Kernel panic|possible .*deadlock|nobody cared|Call Trace")

Message = tuple[str, int]


@dataclass
class Row:
    """A message: where it is, whose it is, and what became of it."""

    store: str
    index: int
    state: str
    name: str
    sent: int
    handled: int


@dataclass
class Result:
    """A check: its name, whether it is good, and what there is to say."""

    name: str
    good: bool
    text: str


@dataclass
class Trial:
    """A driver, a guest, and the model of the device."""

    device: Device
    guest: Guest
    results: list[Result] = field(default_factory=list)
    #: What was sent to be counted, and what of that was handled.
    sent: Counter[Message] = field(default_factory=Counter)
    arrived: Counter[Message] = field(default_factory=Counter)

    # --- what the guest says --------------------------------------------------------------------

    def driver(self) -> str:
        """The driver that has the device; empty if none has."""
        for name in self.guest.list("/sys/bus/pci/drivers"):
            if ADDRESS in self.guest.list(f"/sys/bus/pci/drivers/{name}"):
                return name
        return ""

    def interrupts(self) -> dict[int, tuple[int, str, int, str]]:
        """Count, chip, index and user of the device's interrupts, by their numbers."""
        return {
            int(number): (int(count), chip, int(index), user or "")
            for number, count, chip, index, user in _LINE.findall(
                self.guest.read("/proc/interrupts")
            )
        }

    def handled(self, messages: list[Message]) -> dict[Message, int]:
        """How often each has been handled since its interrupt was requested."""
        listed = self.interrupts()
        out = {}
        for name, index in messages:
            number = self.device.stores[name].message(index)[1]
            out[name, index] = listed.get(number, (0, "", -1, ""))[0]
        return out

    def probed(self) -> str:
        """Wait for the driver; gives its name.  Raises :class:`GuestError`."""
        end = time.monotonic() + PROBE
        while not (name := self.driver()):
            if time.monotonic() > end and not self.guest.patient:
                last = "\n".join(self.guest.console().splitlines()[-15:])
                raise GuestError(f"no driver took the device within {PROBE:g} s\n{last}")
            time.sleep(0.02)
        self.sync()
        return name

    def sync(self) -> None:
        """Wait until the model has seen all that the driver has written: a read comes last."""
        if ADDRESS in self.guest.list("/sys/bus/pci/devices"):
            self.guest.read(f"{PLACE}/config")

    def sent_all(self, count: int) -> tuple[bool, str]:
        """Send each open message ``count`` times, and wait for them: is it as it has to be?"""
        messages = self.device.open_messages()
        if not messages:
            stores = self.device.stores.values()
            held = [f"{s.name}[{i}]" for s in stores for i in s.held() if s.message(i)[0]]
            return False, f"nothing is open; {', '.join(held) or 'nothing'} has a message"
        for line in self.interrupts().values():
            if not line[3]:
                return False, f"interrupt of {line[1]} index {line[2]} has no handler"
        for name, index in messages:
            number = self.device.stores[name].message(index)[1]
            line = self.interrupts().get(number, (0, "", -1, ""))
            if line[2] != index:
                return False, f"{name}[{index}] holds the message of index {line[2]}"
        before = self.handled(messages)
        for _ in range(count):
            for name, index in messages:
                outcome = self.device.send(name, index)
                if outcome != "sent":
                    return False, f"{name}[{index}]: {outcome}"
        end = time.monotonic() + ARRIVE
        while True:
            after = self.handled(messages)
            wrong = {m: after[m] - before[m] for m in messages if after[m] - before[m] != count}
            if not wrong or time.monotonic() > end or max(wrong.values()) > count:
                break
            time.sleep(0.02)
        self.sent.update(dict.fromkeys(messages, count))
        self.arrived.update({m: after[m] - before[m] for m in messages})
        if wrong:
            (name, index), got = next(iter(wrong.items()))
            return False, f"{name}[{index}]: {count} sent, {got} handled"
        return True, f"{len(messages)} messages, {count * len(messages)} sent and handled"

    # --- checks ---------------------------------------------------------------------------------

    @contextmanager
    def _check(self, name: str) -> Iterator[Callable[[bool, str], None]]:
        said: list[tuple[bool, str]] = []
        try:
            yield lambda good, text: said.append((good, text))
        except OSError as error:
            said.append((False, f"{error.filename}: {error.strerror}"))
        self.sync()
        self.device.settle()
        bad = [text for good, text in said if not good]
        texts = bad or [text for _, text in said if text]
        self.results.append(Result(name, not bad, "; ".join(texts)))

    def send(self) -> None:
        """Every open message arrives."""
        with self._check("send") as say:
            say(*self.sent_all(1000))

    def masked(self) -> None:
        """What is masked is not sent, and what is not in use is masked or holds no message."""
        with self._check("masked") as say:
            before = {n: line[0] for n, line in self.interrupts().items()}
            outcomes: Counter[str] = Counter()
            is_open = set(self.device.open_messages())
            for store in self.device.stores.values():
                for index in range(store.slots):
                    if (store.name, index) not in is_open:
                        outcomes[self.device.send(store.name, index)] += 1
            same = {n: line[0] for n, line in self.interrupts().items()} == before
            say(same and not outcomes["sent"], f"{outcomes.total()} tried, none arrived")

    def pending(self) -> None:
        """What is sent while nobody listens arrives later where the device notes it."""
        with self._check("pending") as say:
            driver, messages = self.driver(), self.device.open_messages()
            self._bind(driver, False)
            self.device.settle()
            self.device.judge_empty()
            outcomes = {m: self.device.send(*m) for m in messages}
            self._bind(driver, True)
            again = [m for m in self.device.open_messages() if m in outcomes]
            noted = [m for m in again if outcomes[m] == "pending"]
            end = time.monotonic() + ARRIVE
            while True:
                counts = self.handled(again)
                late = [m for m in again if counts[m] != (m in noted)]
                if not late or time.monotonic() > end:
                    break
                time.sleep(0.02)
            self.sent.update(noted)
            self.arrived.update({m: counts[m] for m in noted})
            for name, index in late[:1]:
                got = counts[name, index]
                say(False, f"{name}[{index}]: {outcomes[name, index]}, and {got} handled")
            lost = len(again) - len(noted)
            say(True, f"{len(noted)} waited and arrived, {lost} lost as the layout has it")

    def reset(self) -> None:
        """A reset forgets the messages, and the driver writes the same ones again."""
        with self._check("reset") as say:
            before = self._all_messages()
            self.guest.write(f"{PLACE}/reset", "1")
            self.sync()
            self.device.settle()
            after = self._all_messages()
            for name, index in sorted(before):
                if after.get((name, index)) != before[name, index]:
                    say(False, f"{name}[{index}] does not hold what it held")
                    return
            say(*self.sent_all(10))

    def gone(self, times: int = 3) -> None:
        """The device is taken away and comes back."""
        with self._check("gone") as say:
            for _ in range(times):
                self.device.gone()
                self.guest.write(f"{PLACE}/remove", "1")
                left = self.interrupts()
                if left:
                    say(False, f"interrupts are left: {sorted(left)}")
                self.device.back()
                self.guest.write("/sys/bus/pci/rescan", "1")
                self.probed()
                self.device.settle()
            say(*self.sent_all(10))

    def fire(self, times: int = 10) -> None:
        """The driver goes and comes while messages are sent."""
        with self._check("under fire") as say:
            driver, messages = self.driver(), self.device.open_messages()
            over = threading.Event()
            outcomes: Counter[str] = Counter()

            def fire() -> None:
                while not over.is_set():
                    outcomes.update(self.device.stream(messages, 50, 1000))

            thread = threading.Thread(target=fire, daemon=True)
            thread.start()
            try:
                for _ in range(times):
                    self._bind(driver, False)
                    self._bind(driver, True)
            finally:
                over.set()
                thread.join()
            self._quiet(messages)
            good, text = self.sent_all(10)
            say(good, f"{times} times under {outcomes.total()} messages" if good else text)

    def rules(self) -> None:
        """What the model has found, and what the kernel has complained of."""
        found = [str(finding) for finding in self.device.findings]
        self.results.append(Result("rules", not found, "; ".join(found) or "0 findings"))
        splats = [line for line in self.guest.console().splitlines() if _SPLAT.search(line)]
        self.results.append(Result("log", not splats, "; ".join(splats[:3]) or "0 splats"))

    def all(self, enough: Callable[[], bool] = lambda: False) -> None:
        """The whole list, or as far as is ``enough``."""
        for check in (self.send, self.masked, self.pending, self.reset, self.gone, self.fire):
            check()
            if enough():
                break
        self.rules()

    def rows(self) -> list[Row]:
        """The messages that something is known of."""
        is_open = self.device.open_messages()
        listed = self.interrupts()
        out = []
        for name, index in sorted({*is_open, *self.arrived}):
            store = self.device.stores[name]
            line = listed.get(store.message(index)[1]) if (name, index) in is_open else None
            out.append(
                Row(
                    name,
                    index,
                    "open" if (name, index) in is_open else "masked",
                    (line[3] if line else "") or self.device.vectors.get((name, index), ""),
                    self.sent[name, index],
                    self.arrived[name, index],
                )
            )
        return out

    # --- inside ---------------------------------------------------------------------------------

    def _bind(self, driver: str, bound: bool) -> None:
        which = "bind" if bound else "unbind"
        self.guest.write(f"/sys/bus/pci/drivers/{driver}/{which}", ADDRESS)
        self.sync()

    def _quiet(self, messages: list[Message]) -> None:
        """Wait until the guest has handled what was sent: a busy machine is late."""
        end = time.monotonic() + ARRIVE
        now, before = self.handled(messages), None
        while now != before and time.monotonic() < end:
            time.sleep(0.1)
            now, before = self.handled(messages), now

    def _all_messages(self) -> dict[Message, tuple[int, int]]:
        device = self.device
        return {(n, i): device.stores[n].message(i) for n, i in device.open_messages()}
