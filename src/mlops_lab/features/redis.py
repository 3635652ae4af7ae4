"""The online store in Redis, shared by several servers: the same values as from memory, checked by the same tests.

The facts of one view and entity are a sorted set, scored by when they became known. A read fetches the facts that can
count and computes the values from them, so a fact that arrives late or twice needs no special handling.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import polars as pl
import redis

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.online import Fact, FactRow, ViewResult, ViewResults, fact_rows
from mlops_lab.features.retractions import latest_fact
from mlops_lab.features.view import View
from mlops_lab.features.view_reader import ViewReader, WindowReader
from mlops_lab.ids import new_id

TIMEOUT_SECONDS = 0.2
_ROWS_PER_WRITE = 500
_FACTS_PER_PAGE = 8
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fact).decode


def drop_store(url: str, *, project: str) -> None:
    """Delete all facts of a project in a Redis database: its views are unavailable until servers load them again.
    EnvironmentFault where Redis does not respond."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT_SECONDS) as database:
            for key in database.scan_iter(f"{_prefix(project)}:*", count=1000):
                database.unlink(key)
    except redis.RedisError as error:
        raise _store_gone(error) from None


class RedisStore:
    """The store of one project in a Redis database; `keep` is how long facts stay readable after they left the window.

    Facts that could not be written are kept and written later; until then its views are unavailable. They are also
    unavailable after Redis has lost its data: a marker key that this store has set is missing then.
    """

    def __init__(self, url: str, *, project: str, views: Iterable[View], keep: timedelta) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=False
        )
        self._prefix = _prefix(project)
        self._keep = keep // _MICROSECOND
        self._readers = {view.version: WindowReader(view) if view.window else ViewReader(view) for view in views}
        self._pending: list[tuple[str, list[FactRow]]] = []
        self._marker_key = f"{self._prefix}:mark:{new_id()}"

    def open(self) -> None:
        """Set the marker key; EnvironmentFault where Redis does not respond."""
        try:
            self._redis.set(self._marker_key, 1)
        except redis.RedisError as error:
            raise _store_gone(error) from None

    @property
    def versions(self) -> set[str]:
        """The versions of the views that it holds facts for."""
        return set(self._readers)

    def load(self, table: str, facts: pl.DataFrame, *, since: int | None = None) -> None:
        """Add facts of a table; all of them, as other servers may read as of an earlier moment than `since`."""
        del since
        for part in facts.iter_slices(_ROWS_PER_WRITE):
            self.add(table, fact_rows(part.iter_rows(named=True)))

    def add(self, table: str, rows: Iterable[FactRow]) -> None:
        """Add facts of a table. Adding the same fact again changes nothing."""
        added = list(rows)
        for start in range(0, len(added), _ROWS_PER_WRITE):
            self._pending.append((table, added[start : start + _ROWS_PER_WRITE]))
        self._write()

    def _write(self) -> bool:
        """Write all pending facts; returns whether Redis accepted them."""
        while self._pending:
            table, rows = self._pending[0]
            with self._redis.pipeline(transaction=False) as pipe:
                for version, reader in self._readers.items():
                    if reader.view.table == table:
                        for fact_row in rows:
                            self._put(pipe, version, reader, fact_row)
                try:
                    pipe.execute()
                except redis.RedisError:
                    return False
            del self._pending[0]
        return True

    def _put(self, pipe: Any, version: str, reader: ViewReader, fact_row: FactRow) -> None:
        entity_and_fact = reader.to_fact(fact_row)
        if entity_and_fact is None:
            return
        entity, fact = entity_and_fact
        key = self._key(version, entity)
        pipe.zadd(key, {_encode_fact(fact): fact.known})
        if reader.window is not None:  # facts that have left every window that can still be read
            pipe.zremrangebyscore(key, "-inf", fact.known - reader.window - self._keep)

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> ViewResults:
        """The view's values for each entity at its moment; defaults and "unavailable" where Redis does not respond."""
        results = self._read(view, entities, moments)
        missing = {index: reason for index, (_, reason) in enumerate(results) if reason is not None}
        return [values for values, _ in results], missing

    def _read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> list[ViewResult]:
        reader = self._readers[view.version]
        lookups = list(zip(entities, moments, strict=True))
        try:
            if not self._write():
                return [reader.without_facts("unavailable")] * len(lookups)
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.exists(self._marker_key)
                for entity, moment in lookups:
                    key = self._key(view.version, entity)
                    if reader.window is None:
                        pipe.zrevrangebyscore(key, f"({moment}", "-inf", start=0, num=_FACTS_PER_PAGE)
                    else:
                        pipe.zrangebyscore(key, moment - reader.window, f"({moment}")
                has_marker, *replies = pipe.execute()
            if not has_marker:
                return [reader.without_facts("unavailable")] * len(lookups)
            return [
                self._result(reader, entity, moment, reply)
                for (entity, moment), reply in zip(lookups, replies, strict=True)
            ]
        except redis.RedisError:
            return [reader.without_facts("unavailable")] * len(lookups)

    def _result(self, reader: ViewReader, entity: Any, moment: int, reply: list[bytes]) -> ViewResult:
        if entity is None:
            return reader.without_facts("no_key")
        facts = [_decode(member) for member in reply]
        if isinstance(reader, WindowReader):
            return reader.from_facts([fact for fact in facts if fact.seen < moment])
        return reader.from_latest(self._latest(reader, entity, moment, facts), moment)

    def _latest(self, reader: ViewReader, entity: Any, moment: int, facts: list[Fact]) -> Fact | None:
        """The latest of the facts that were seen and not retracted. `facts` is the first page, the last known first."""
        of_one_moment: list[Fact] = []
        start = 0
        while facts:
            for fact in facts:
                if of_one_moment and fact.known < of_one_moment[0].known:
                    if best := latest_fact(of_one_moment):
                        return best
                    of_one_moment = []
                if fact.seen < moment:
                    of_one_moment.append(fact)
            if len(facts) < _FACTS_PER_PAGE:
                break
            start += _FACTS_PER_PAGE
            key = self._key(reader.view.version, entity)
            page: Any = self._redis.zrevrangebyscore(key, f"({moment}", "-inf", start=start, num=_FACTS_PER_PAGE)
            facts = [_decode(member) for member in page]
        return latest_fact(of_one_moment)

    def _key(self, version: str, entity: Any) -> bytes:
        return f"{self._prefix}:{version}:".encode() + _encode(entity)


def _encode_fact(fact: Fact) -> bytes:
    """The member of a sorted set. Only a retraction has a weight, so that facts stored before stay the same."""
    return _encode(fact if fact.weight < 0 else fact[:-1])


def _prefix(project: str) -> str:
    return f"mlops:{project}"


def _store_gone(error: redis.RedisError) -> EnvironmentFault:
    return EnvironmentFault(
        f"Redis does not respond: {error}",
        code="store_gone",
        where="mlops.toml, key serving.online_store",
        hint='start it (Debian: apt install redis-server), or set online_store = "memory"',
    )
