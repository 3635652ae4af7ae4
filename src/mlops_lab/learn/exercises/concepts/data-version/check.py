import json

from mlops_lab.learn.checking import Work, fail


class Store:
    """Tables by the number of their version. If `busy`, somebody adds a version after each call, and moves the tags."""

    def __init__(self, work: Work) -> None:
        self.work, self.busy = work, False
        self.tables: dict[str, dict[int, list[float]]] = {"clicks": {}, "visits": {}}
        self.tags: dict[tuple[str, str], int] = {}
        self.next = int(work.rng.integers(10, 90))
        for _ in range(3):
            self.move()

    def move(self) -> None:
        for table, versions in self.tables.items():
            versions[self.next] = self.work.rng.normal(10, 3, 400).round(3).tolist()
            for tag in ("latest", "approved"):
                self.tags[table, tag] = self.next
            self.next += 1

    def find(self, table: str, tag: str) -> int:
        """The number of the version on which a tag is now."""
        found = self.tags[table, tag]
        if self.busy:
            self.move()
        return found

    def read(self, table: str, version: int | str) -> list[float]:
        """The rows of a version: a number, or a tag."""
        number = self.tags[table, version] if isinstance(version, str) else version
        rows = list(self.tables[table][number])
        if self.busy:
            self.move()
        return rows


def check(work: Work) -> None:
    module = work.load("training.py", "train", "rebuild")
    store = Store(work)
    for busy, key in ((False, "not-rebuilt"), (True, "moved-between")):
        for table, tag in (("clicks", "latest"), ("visits", "approved")):
            store.busy = busy
            model, record = module.train(store, table, tag)
            text = json.dumps(record)
            if len(text) > 500:
                seen = f"a record of {len(text):,} characters"
                fail("record-too-large", seen=seen, expected="a record that names the rows, and has no copy of them")
            store.busy = False
            store.move()
            again = module.rebuild(store, json.loads(text))
            if model not in _models(store, table):
                fail("other-model", seen=f"the model {model} is of no version of {table}", expected="fit of its rows")
            if again != model:
                when = "while train was running, the tag moved; " if busy else ""
                seen = f"{when}train made the model {model} and recorded {text}; rebuild, a day later, made {again}"
                fail(key, seen=seen, expected=f"{model} again")


def _models(store: Store, table: str) -> set[float]:
    return {round(sum(rows) / len(rows), 6) for rows in store.tables[table].values()}
