from mlops_lab.learn.checking import Work, fail


class Killed(BaseException):
    """The process ends here; no line after it runs."""


class Machine:
    """The journal and the platform, and a process that is killed at the step of this number."""

    def __init__(self, work: Work) -> None:
        self.entries: list[dict] = []
        self.trainings: list[tuple[str, int, bool]] = []
        self.data = int(work.rng.integers(100, 900))
        self.steps, self.kill_at, self.where = 0, 0, "between two calls of tick"

    def step(self, what: str) -> None:
        self.steps += 1
        if self.kill_at and self.steps >= self.kill_at:
            if self.steps == self.kill_at:
                self.where = what
            raise Killed

    def run(self, tick, day: str, kill_at: int = 0) -> bool:
        """Whether tick came to its end; 0: nobody kills it."""
        self.steps, self.kill_at = 0, kill_at
        try:
            tick(Journal(self), Platform(self), day)
        except Killed:
            return False
        return True


class Journal:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def read(self) -> list[dict]:
        return [dict(entry) for entry in self.machine.entries]

    def append(self, entry: dict) -> None:
        self.machine.step("right before journal.append")
        self.machine.entries.append(dict(entry))
        self.machine.step("right after journal.append")


class Platform:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def newest_data(self) -> int:
        self.machine.data += 1  # new data come all the time
        return self.machine.data

    def start(self, name: str, data: int) -> None:
        machine = self.machine
        machine.step("right before platform.start")
        if not any((name, data) == training[:2] for training in machine.trainings):
            known = any(data in entry.values() for entry in machine.entries)
            machine.trainings.append((name, data, known))
        machine.step("right after platform.start")


def check(work: Work) -> None:
    tick = work.load("loop.py", "tick").tick
    days = [f"2024-05-{day:02}" for day in work.rng.choice(range(1, 32), 2, replace=False)]
    late = None
    for kills in ((first, second) for first in range(1, 12) for second in range(4)):
        machine = Machine(work)
        for number, day in enumerate(days):
            for kill_at in kills:  # 0: not killed
                if machine.run(tick, day, kill_at):
                    break
            for _ in range(3):
                machine.run(tick, day)
            late = _judge(machine, day, machine.trainings[number:]) or late
    if late:
        fail("written-late", seen=late, expected="the data in the journal before the training starts")


def _judge(machine: Machine, day: str, new: list[tuple[str, int, bool]]) -> str | None:
    """What was seen, where the training was started too early. A wrong number of trainings ends the check."""
    told = f"on {day}, tick was killed {machine.where}, and called again"
    if not new:
        fail("never", seen=f"{told}: no training was started that day", expected="one training a day")
    if len(new) > 1:
        names = " and ".join(f'"{name}" on data {data}' for name, data, _ in new[:2])
        fail("twice", seen=f"{told}: {names} were started", expected="one training a day")
    name, data, was_known = new[0]
    return None if was_known else f"when {name} was started on data {data}, the journal had no entry with {data}"
