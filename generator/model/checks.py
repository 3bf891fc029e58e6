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
from .runtime import Device, Msi, Msix

#: Seconds that what has been sent may take to arrive, and a driver to probe.
ARRIVE, PROBE = 20.0, 20.0

#: What a kernel says that something is wrong.
_SPLAT = re.compile(r"WARNING:|BUG:|Oops|Kernel panic|possible .*deadlock|nobody cared|Call Trace")

Message = tuple[str, int]


@dataclass(frozen=True)
class Line:
    """A line of /proc/interrupts: how often on which CPU, the chip, the index there, and whose."""

    counts: tuple[int, ...]
    chip: str
    index: int
    user: str

    @property
    def count(self) -> int:
        """On all CPUs."""
        return sum(self.counts)


@dataclass
class Row:
    """A message: where it is, whose it is, and what became of it."""

    store: str
    index: int
    state: str
    name: str
    sent: int
    handled: int
    #: How many of those on a CPU that they were not sent to.
    wrong_cpu: int


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
    wrong_cpu: Counter[Message] = field(default_factory=Counter)

    @property
    def place(self) -> str:
        """The folder of the device in the guest."""
        return f"/sys/bus/pci/devices/{self.guest.address}"

    # --- what the guest says --------------------------------------------------------------------

    def driver(self) -> str:
        """The driver that has the device; empty if none has."""
        for name in self.guest.list("/sys/bus/pci/drivers"):
            if self.guest.address in self.guest.list(f"/sys/bus/pci/drivers/{name}"):
                return name
        return ""

    def interrupts(self) -> dict[int, Line]:
        """The device's interrupts, by their numbers."""
        form = re.compile(
            rf"(?m)^ *(\d+):((?: +\d+)+) +(\S*?)-{re.escape(self.guest.address)} +(\d+)-edge *"
            r"(?:  (.*))?$"
        )
        return {
            int(number): Line(tuple(map(int, counts.split())), chip, int(index), user or "")
            for number, counts, chip, index, user in form.findall(
                self.guest.read("/proc/interrupts")
            )
        }

    def in_domain(self, name: str, index: int) -> int:
        """The index of a message in its domain, which a device's own stores share in order."""
        if isinstance(self.device.stores[name], (Msix, Msi)):
            return index
        own = [s for s in self.device.stores.values() if not isinstance(s, (Msix, Msi))]
        return index + sum(s.slots for s in own[: [s.name for s in own].index(name)])

    def lines(self, messages: list[Message]) -> dict[Message, tuple[int, Line]]:
        """Number and line of the interrupt of each message that has one."""
        listed = self.interrupts()
        out = {}
        for name, index in messages:
            store = self.device.stores[name]
            kinds = ((Msix, "PCI-MSIX"), (Msi, "PCI-MSI"))
            own = f"{self.device.name}-{name}".upper()
            chip = next((text for kind, text in kinds if isinstance(store, kind)), own)
            for number, line in listed.items():
                if self.guest.numbered:
                    found = number == store.message(index)[1]
                else:
                    # One that remaps puts its name before that of the chip.
                    here = line.index == self.in_domain(name, index)
                    found = here and line.chip.removeprefix("IR-") == chip
                if found:
                    out[name, index] = number, line
        return out

    def handled(self, messages: list[Message]) -> dict[Message, int]:
        """How often each has been handled since its interrupt was requested."""
        lines = self.lines(messages)
        return {m: lines[m][1].count if m in lines else 0 for m in messages}

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
        if self.guest.address in self.guest.list("/sys/bus/pci/devices"):
            self.guest.read(f"{self.place}/config")

    def sent_all(self, count: int) -> tuple[bool, str]:
        """Send each open message ``count`` times, and wait for them: is it as it has to be?"""
        messages = self.device.open_messages()
        if not messages:
            stores = self.device.stores.values()
            held = [f"{s.name}[{i}]" for s in stores for i in s.held() if s.message(i)[0]]
            return False, f"nothing is open; {', '.join(held) or 'nothing'} has a message"
        for line in self.interrupts().values():
            if not line.user:
                return False, f"interrupt of {line.chip} index {line.index} has no handler"
        lines = self.lines(messages)
        for name, index in messages:
            if (name, index) not in lines:
                return False, f"{name}[{index}] has no interrupt"
            other = lines[name, index][1].index
            if other != self.in_domain(name, index):
                return False, f"{name}[{index}] holds the message of index {other}"
        return self.rounds(messages, count)

    def rounds(self, messages: list[Message], count: int) -> tuple[bool, str]:
        """Send each of the messages ``count`` times: is each handled as often, where it has to be?

        Where edges merge, a message is sent again when it has been handled, and no earlier.
        """
        before = self.lines(messages)
        where = {m: self._cpu(number) for m, (number, _) in before.items()}
        done = 0
        late: list[Message] = []
        while done < count and not late:
            for name, index in messages:
                outcome = self.device.send(name, index)
                if outcome != "sent":
                    return False, f"{name}[{index}]: {outcome}"
            done += 1
            if done == count or not self.guest.numbered:
                late = self._arrived({m: line.count + done for m, (_, line) in before.items()})
        after = self.lines(messages)
        self.sent.update(dict.fromkeys(messages, done))
        for name, index in messages:
            old = before[name, index][1]
            new = after[name, index][1] if (name, index) in after else old
            got, cpu = new.count - old.count, where[name, index]
            self.arrived[name, index] += got
            if cpu is not None:
                wrong = got - new.counts[cpu] + old.counts[cpu]
                self.wrong_cpu[name, index] += wrong
                if wrong:
                    text = f"{wrong} of {got} not on CPU {cpu}, but as {new.counts}"
                    return False, f"{name}[{index}]: {text}"
        for message in late:
            got = after[message][1].count - before[message][1].count if message in after else 0
            return False, f"{message[0]}[{message[1]}]: {done} sent, {got} handled"
        return True, f"{len(messages)} messages, {done * len(messages)} sent and handled"

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
            say(*self.sent_all(1000 if self.guest.numbered else 100))

    def masked(self) -> None:
        """What is masked is not sent, and what is not in use is masked or holds no message."""
        with self._check("masked") as say:
            before = {n: line.count for n, line in self.interrupts().items()}
            outcomes: Counter[str] = Counter()
            is_open = set(self.device.open_messages())
            for store in self.device.stores.values():
                for index in range(store.slots):
                    if (store.name, index) not in is_open:
                        outcomes[self.device.send(store.name, index)] += 1
            same = {n: line.count for n, line in self.interrupts().items()} == before
            say(same and not outcomes["sent"], f"{outcomes.total()} tried, none arrived")

    def affinity(self) -> None:
        """Each message moves over all CPUs, and arrives where it was moved."""
        with self._check("affinity") as say:
            lines = self.lines(self.device.open_messages())
            fixed = set()
            for turn in range(self.guest.cpus):
                cpus = {m: (at + turn) % self.guest.cpus for at, m in enumerate(lines)}
                for message, cpu in cpus.items():
                    try:
                        place = f"/proc/irq/{lines[message][0]}/smp_affinity_list"
                        self.guest.write(place, str(cpu))
                    except OSError:
                        # The kernel's own to place.
                        fixed.add(message)
                # Some are moved when the next message arrives: that is none of those which count.
                self._nudge(list(lines))
                for message in lines.keys() - fixed:
                    now = self._cpu(lines[message][0])
                    if now != cpus[message]:
                        name, index = message
                        say(False, f"{name}[{index}]: moved to CPU {cpus[message]}, is on {now}")
                        return
                good, text = self.rounds(list(lines), 20)
                if not good:
                    say(False, text)
                    return
            moved = len(lines) - len(fixed)
            say(
                moved > 0, f"{moved} messages on each of {self.guest.cpus} CPUs, {len(fixed)} fixed"
            )

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
            self.guest.write(f"{self.place}/reset", "1")
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
                self.guest.write(f"{self.place}/remove", "1")
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
            self._quiet()
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
        moved = (self.affinity,) if self.guest.cpus > 1 else ()
        checks = (self.send, self.masked, *moved, self.pending, self.reset, self.gone, self.fire)
        for check in checks:
            check()
            if enough():
                break
        self.rules()

    def rows(self) -> list[Row]:
        """The messages that something is known of."""
        is_open = self.device.open_messages()
        lines = self.lines(is_open)
        return [
            Row(
                name,
                index,
                "open" if (name, index) in is_open else "masked",
                (lines[name, index][1].user if (name, index) in lines else "")
                or self.device.vectors.get((name, index), ""),
                self.sent[name, index],
                self.arrived[name, index],
                self.wrong_cpu[name, index],
            )
            for name, index in sorted({*is_open, *self.arrived})
        ]

    # --- inside ---------------------------------------------------------------------------------

    def _arrived(self, wanted: dict[Message, int]) -> list[Message]:
        """Wait until each message has been handled so often; those that have not, or more often."""
        end = time.monotonic() + ARRIVE
        while True:
            counts = self.handled(list(wanted))
            wrong = [m for m in wanted if counts[m] != wanted[m]]
            if not wrong or time.monotonic() > end or any(counts[m] > wanted[m] for m in wrong):
                return wrong
            if self.guest.numbered:
                time.sleep(0.02)

    def _nudge(self, messages: list[Message]) -> None:
        """Send each once, without looking at where it arrives."""
        starts = self.handled(messages)
        for message in messages:
            self.device.send(*message)
        self._arrived({m: start + 1 for m, start in starts.items()})

    def _quiet(self) -> None:
        """Wait until nothing arrives any more: a busy machine is late."""
        last: dict[int, Line] = {}
        end = time.monotonic() + ARRIVE
        while time.monotonic() < end and (now := self.interrupts()) != last:
            last = now
            time.sleep(0.1)

    def _cpu(self, number: int) -> int | None:
        """The CPU to which an interrupt goes; None where there is only one."""
        if self.guest.cpus == 1:
            return None
        text = self.guest.read(f"/proc/irq/{number}/effective_affinity_list").strip()
        return int(text) if text.isdecimal() else None

    def _bind(self, driver: str, bound: bool) -> None:
        which = "bind" if bound else "unbind"
        self.guest.write(f"/sys/bus/pci/drivers/{driver}/{which}", self.guest.address)
        self.sync()

    def _all_messages(self) -> dict[Message, tuple[int, int]]:
        device = self.device
        return {(n, i): device.stores[n].message(i) for n, i in device.open_messages()}
