"""Random walks: a shop, commands, and edits between them; what must be true after each step, and at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

import msgspec
import polars as pl
from changing import Broken, Result, Shop
from drafts import Draft
from edits import EDITS
from in_process import InProcessServer

from mlops_lab.journal.writer import Journal

Step = tuple[str, int]
"""What is done, and the seed of its choices: any part of a walk can be played again without the others."""
STEPS = {
    "edit": 40,
    "back": 4,
    "run": 16,
    "tick": 12,
    "serve": 16,
    "look": 8,
    "change_live": 3,
    "files": 4,
    "quarantine": 3,
    "damage": 4,
}


def choose_steps(seed: int) -> list[Step]:
    """The steps of one walk."""
    random = Random(seed)
    names = random.choices(list(STEPS), list(STEPS.values()), k=random.randrange(4, 9))
    return [(name, random.randrange(10**6)) for name in names]


class Walk:
    """One shop on its way."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.good: Draft = shop.draft.copy()
        """The last declaration under which the loop worked: it must always work again."""
        self.log: list[str] = []

    def take(self, steps: Sequence[Step]) -> None:
        """Take the steps, then return to the last declaration that worked, and check that nothing is lost."""
        for name, seed in steps:
            getattr(self, f"_{name}")(Random(seed))
        if self.shop.draft != self.good:
            self.shop.edit(self.good.copy())
            self.log.append("back to the last one that worked")
        self.check_alive()

    def check_alive(self) -> None:
        if (result := self._do("tick")).code:
            raise Broken(f"the loop stands still: {result}")
        self.shop.check_nothing_lost()
        with self.shop.serving() as server:
            if isinstance(server, Result):
                raise Broken(f"no server starts: {server}")
            if {*self.shop.ask(server)} != {200}:
                raise Broken("requests get no answers")
        if (result := self._do("explain", f"r{self.shop.number}")).code:
            raise Broken(f"nothing is explained: {result}")
        if (result := self._do("features", "verify")).code:
            raise Broken(f"what was served is not what is defined: {result.output}")
        self.shop.check_nothing_lost()

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _edit(self, random: Random) -> None:
        before, draft = self.shop.draft, self.shop.draft.copy()
        name = random.choice(list(EDITS))
        EDITS[name](draft, random)
        self.log.append(f"edit {name}")
        try:
            self.shop.edit(draft)
        except (pl.exceptions.PolarsError, KeyError, ValueError, TypeError) as error:
            self.log.append(f"(cannot be written: {error!r})")
            self.shop.edit(before)

    def _back(self, random: Random) -> None:
        del random
        self.log.append("back")
        self.shop.edit(self.good.copy())

    def _run(self, random: Random) -> None:
        before = self.shop.decided()
        result = self._do("run", *random.choice([(), (), ("--accept-changes",)]))
        if result.code == 0 or (result.output and "what" in result.output):
            self.good = self.shop.draft.copy()
        elif result.error and result.error["code"] == "bad_pipeline":
            pass  # the model's own code failed: the training stays due
        elif self.shop.decided()["tables"] != before["tables"]:  # new rows may have been loaded, and servers see them
            raise Broken("something was decided though the command was refused")

    def _tick(self, random: Random) -> None:
        self.shop.now += timedelta(days=random.choice([0, 1, 2]), hours=random.randrange(3))
        before = self.shop.decided()
        result = self._do("tick", "--at", self.shop.now.isoformat())
        if result.code == 0:
            self.good = self.shop.draft.copy()
            self.shop.check_nothing_lost()
        elif self.shop.decided() != before:
            raise Broken("something was decided though the command was refused")

    def _serve(self, random: Random) -> None:
        with self.shop.serving() as server:
            if not isinstance(server, InProcessServer):
                self.log.append(f"serve: {server}")
                return
            for work in random.choices([self.shop.ask, self.shop.tell, self.shop.report], k=3):
                self.log.append(f"{work.__name__}: {work(server)}")
        self.good = self.shop.draft.copy()  # what was acknowledged under it need not fit what was declared before

    def _look(self, random: Random) -> None:
        name = random.choice([*self.shop.requests, "nobody"])
        commands = [
            ("status",), ("history",), ("explain", name), ("explain", "--version", "1"), ("features", "verify"),
            ("features", "list"), ("features", "diff", "1"), ("contract", "check"), ("contract", "diff"),
            ("contract", "infer"), ("compare", "1", "2"),
        ]  # fmt: skip
        for words in random.sample(commands, 4):
            self._do(*words)

    def _change_live(self, random: Random) -> None:
        self._do(*random.choice([("rollback",), ("split", "2", "--share", "0.3"), ("split", "2", "--share", "0")]))

    def _files(self, random: Random) -> None:
        """Rows and outcomes from files, and requests scored in one go."""
        shop = self.shop
        shop.number, shop.now = shop.number + 1, shop.now + timedelta(minutes=5)
        path = shop.folder / "rows.jsonl"
        if random.random() < 0.5 and shop.draft.tables:
            table = random.choice(list(shop.draft.tables))
            row = shop.draft.fact_at(table, shop.now, shop.number)
            pl.DataFrame([row]).write_ndjson(path)
            if self._do("ingest", table, str(path)).output.get("accepted"):
                shop.facts.append((table, row))
                self.good = shop.draft.copy()
        else:
            pl.DataFrame([shop.draft.request_at(shop.now, shop.number, f"s{shop.number}")]).write_ndjson(path)
            self._do("score", str(path), "--out", str(shop.folder / "scored.parquet"))

    def _quarantine(self, random: Random) -> None:
        self._do("quarantine", *random.choice([(), ("--replay",)]))

    def _damage(self, random: Random) -> None:
        """A file that can be made again is gone, empty, or holds something else; or the journal holds what no version
        can read."""
        home = self.shop.folder / ".mlops"
        if random.random() < 0.3:
            self.log.append("a record that nobody can read")
            journal = Journal(home / "journal")
            journal.append([random.choice([b"x", msgspec.msgpack.encode(([], [{"type": "z"}]))])])
            journal.close()
            return
        files = [home / name for name in ("deployment.json", "positions.json", "server.json")]
        files += [path for path in home.glob("state/*/*") if path.is_file()]
        path = random.choice(files)
        content = random.choice([None, b"", b"\xff\x00", b"[]", b"{}", b"[-1, 10000000000000]"])
        self.log.append(f"{path.relative_to(home)} is {content!r}")
        path.unlink(missing_ok=True)
        if content is not None and path.parent.exists():
            path.write_bytes(content)

    def _do(self, *words: str) -> Result:
        self.log.append(f"{' '.join(words)}: ...")
        result = self.shop.mlops(*words)
        self.log[-1] = f"{' '.join(words)}: {result}"
        return result


def shorten(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """As few of the steps as fail alone."""
    kept = list(steps)
    for step in steps:
        fewer = [one for one in kept if one is not step]
        if fails(fewer):
            kept = fewer
    return kept
