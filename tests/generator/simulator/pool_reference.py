"""The C code of a pool, copied statement by statement: slow, and hard to get wrong."""

from __future__ import annotations

import sys

ENOSPC, EXDEV = -28, -18
UINT_MAX = 2**32 - 1
HZ = 1000


class Vec:
    def __init__(self, entry: int) -> None:
        self.users = 1
        self.entry = entry
        self.cpu = 0
        self.dedicated = False
        self.at = -1


class Reference:
    """``templates/kernel/kernel/irq/vecpool.c`` and the inlines in ``irq_vecpool.h``."""

    def __init__(
        self,
        cpus: int,
        nr: int,
        limit: int,
        reserve: int,
        vectors: int,
        other: bool,
        total: int,
        interrupts: int,
    ) -> None:
        self.nr_cpu_ids = cpus
        self.nr, self.limit, self.reserve = nr, limit, reserve
        self.vectors, self.other, self.total, self.interrupts = vectors, other, total, interrupts
        self.jiffies = 0
        self.used = [0] * cpus
        self.allocated = 0
        self.vecs: list[Vec | None] = [None] * nr
        self.open: list[Vec | None] = [None] * cpus
        self.lists: list[list[Vec]] = [[] for _ in range(cpus)]
        self.full = False
        self.retry = 0
        self.cpu_retry = [0] * cpus
        self.nr_shared = 0
        self.max_shared = nr - reserve if nr > reserve else 1
        self.made = 0
        self.shared_full = 0
        self.elsewhere = 0

    # --- the machine

    def request_irq(self, vec: Vec, cpu: int) -> int:
        if sum(self.used) >= self.total:
            return ENOSPC
        if self.used[cpu] >= self.vectors:
            if not self.other:
                return ENOSPC
            # matrix_find_best_cpu()
            best, maxavl = -1, 0
            for n in range(self.nr_cpu_ids):
                if self.vectors - self.used[n] <= maxavl:
                    continue
                best, maxavl = n, self.vectors - self.used[n]
            if best < 0:
                return ENOSPC
            cpu = best
        self.used[cpu] += 1
        vec.at = cpu
        return 0

    # --- the pool

    def tryget(self, vec: Vec) -> bool:
        if vec.users and vec.users < self.limit:
            vec.users += 1
            return True
        return False

    def find_first_zero_bit(self) -> int:
        for entry, vec in enumerate(self.vecs):
            if vec is None:
                return entry
        return self.nr

    def make(self, entry: int) -> Vec | int:
        if entry >= self.nr:
            return ENOSPC
        if self.allocated >= self.interrupts:
            return ENOSPC
        self.allocated += 1
        vec = Vec(entry)
        self.vecs[entry] = vec
        return vec

    def destroy(self, vec: Vec) -> None:
        if vec.at >= 0:
            self.used[vec.at] -= 1
        self.allocated -= 1
        self.vecs[vec.entry] = None
        self.full = False

    def make_shared(self, cpu: int, keep: bool) -> Vec | int:
        if self.nr_shared >= self.max_shared:
            return ENOSPC
        vec = self.make(self.find_first_zero_bit())
        if isinstance(vec, int):
            return vec
        vec.cpu = cpu
        ret = self.request_irq(vec, cpu)
        if not ret and not keep and vec.at != vec.cpu:
            self.elsewhere += 1
            self.cpu_retry[cpu] = self.jiffies + HZ
            ret = EXDEV
        if ret:
            self.destroy(vec)
            return ret
        self.made += 1
        self.nr_shared += 1
        self.lists[cpu].insert(0, vec)
        self.cpu_retry[cpu] = 0
        self.open[cpu] = vec
        return vec

    def destroy_shared(self, vec: Vec) -> None:
        self.lists[vec.cpu].remove(vec)
        self.cpu_retry[vec.cpu] = 0
        if self.open[vec.cpu] is vec:
            self.open[vec.cpu] = self.lists[vec.cpu][0] if self.lists[vec.cpu] else None
        self.nr_shared -= 1
        self.destroy(vec)

    def may_make(self, cpu: int) -> bool:
        retry = self.cpu_retry[cpu]
        if self.full and self.jiffies < self.retry:
            return False
        return not retry or retry - self.jiffies <= 0 or retry - self.jiffies > HZ

    def fewest(self, cpu: int) -> Vec | None:
        best, least = None, UINT_MAX
        for vec in self.vecs:
            if vec is None or vec.dedicated:
                continue
            cost = vec.users
            if cost >= self.limit and vec.cpu != cpu:
                cost += UINT_MAX // 2
            if cost < least:
                least, best = cost, vec
        return best

    def get(self, cpu: int) -> Vec | int:
        vec = self.open[cpu]
        if vec and self.tryget(vec):
            return vec
        for vec in self.lists[cpu]:
            if self.tryget(vec):
                self.open[cpu] = vec
                return vec
        best = self.fewest(cpu)
        if not best or self.may_make(cpu):
            made = self.make_shared(cpu, not best)
            self.full = isinstance(made, int) and made != EXDEV
            self.retry = self.jiffies + HZ
            if not best or not isinstance(made, int):
                return made
        best.users += 1
        self.shared_full += 1
        return best

    def load(self, cpu: int) -> int:
        if not self.lists[cpu]:
            return 0
        open_ = self.open[cpu]
        assert open_
        return (len(self.lists[cpu]) - 1) * self.limit + open_.users

    def least(self, mask: list[int]) -> int:
        best, least = -1, sys.maxsize
        for cpu in mask or range(self.nr_cpu_ids):
            if self.load(cpu) < least:
                best, least = cpu, self.load(cpu)
        return best

    def get_dedicated(self) -> Vec | int:
        vec = self.make(self.find_first_zero_bit())
        if isinstance(vec, Vec):
            vec.dedicated = True
        return vec

    def reopen(self, vec: Vec) -> None:
        if vec.dedicated or vec.users < self.limit:
            return
        open_ = self.open[vec.cpu]
        if not open_ or open_.users >= self.limit:
            self.open[vec.cpu] = vec

    def put(self, vec: Vec) -> None:
        if vec.users > 1 and vec.users < self.limit:
            vec.users -= 1
            return
        self.reopen(vec)
        vec.users -= 1
        if vec.users:
            return
        if vec.dedicated:
            self.destroy(vec)
        else:
            self.destroy_shared(vec)

    # --- users

    def add_user(self, vec: Vec) -> None:
        if self.tryget(vec):
            return
        vec.users += 1
        self.shared_full += 1

    def drop_user(self, vec: Vec) -> None:
        self.reopen(vec)
        vec.users -= 1
