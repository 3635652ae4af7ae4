"""Facts in Redis, for several servers that share them: the same values as from memory, tested by the same suite.

A view's facts of one entity are a sorted set, scored by when they were known. A read takes what can count and applies
the view to it, so that a fact that arrives late, or twice, needs no more care than any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import redis

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import View
from mlops_lab.features.online import AllFound, Fact, Found, TimedRow, ViewReader, WindowReader
from mlops_lab.ids import new_id

TIMEOUT_SECONDS = 0.2
_AT_ONCE = 500
_PAGE = 8
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fact).decode


class RedisStore:
    """The store of one project in a Redis database; `keep` says how long after its window a fact may be asked for.

    Facts that Redis does not take are kept and tried again; until it has them, its views are unavailable. So they are
    where Redis has lost what it held: a mark that this store leaves there is gone then.
    """

    def __init__(self, url: str, *, project: str, views: Iterable[View], keep: timedelta) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=False
        )
        self._prefix = f"mlops:{project}"
        self._keep = keep // _MICROSECOND
        self._readers = {view.version: WindowReader(view) if view.window else ViewReader(view) for view in views}
        self._waiting: list[tuple[str, list[TimedRow]]] = []
        self._mark = f"{self._prefix}:mark:{new_id()}"

    def open(self) -> None:
        """Leave the mark; EnvironmentFault where Redis does not answer."""
        try:
            self._redis.set(self._mark, 1)
        except redis.RedisError as error:
            raise EnvironmentFault(
                f"Redis does not answer: {error}",
                code="store_gone",
                where="mlops.toml, key serving.online_store",
                hint='start it (Debian: apt install redis-server), or set online_store = "memory"',
            ) from None

    @property
    def versions(self) -> set[str]:
        """The views it holds facts for."""
        return set(self._readers)

    def add(self, table: str, rows: Iterable[TimedRow]) -> None:
        """Take in facts of a table. The same fact again changes nothing."""
        waiting = list(rows)
        for start in range(0, len(waiting), _AT_ONCE):
            self._waiting.append((table, waiting[start : start + _AT_ONCE]))
        self._write()

    def _write(self) -> bool:
        """Hand Redis all that waits; whether it took it."""
        while self._waiting:
            table, rows = self._waiting[0]
            with self._redis.pipeline(transaction=False) as pipe:
                for version, reader in self._readers.items():
                    if reader.view.table == table:
                        for timed in rows:
                            self._put(pipe, version, reader, timed)
                try:
                    pipe.execute()
                except redis.RedisError:
                    return False
            del self._waiting[0]
        return True

    def _put(self, pipe: Any, version: str, reader: ViewReader, timed: TimedRow) -> None:
        found = reader.to_fact(timed)
        if found is None:
            return
        entity, fact = found
        key = self._key(version, entity)
        pipe.zadd(key, {_encode(fact): fact.known})
        if reader.window is not None:  # out of every window that may still be asked for
            pipe.zremrangebyscore(key, "-inf", fact.known - reader.window - self._keep)

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> AllFound:
        """What the view says of each entity at its moment; "unavailable" where Redis does not answer."""
        found = self._read(view, entities, moments)
        return [values for values, _ in found], {place: why for place, (_, why) in enumerate(found) if why is not None}

    def _read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> list[Found]:
        reader = self._readers[view.version]
        asked = list(zip(entities, moments, strict=True))
        try:
            if not self._write():
                return [reader.nothing("unavailable")] * len(asked)
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.exists(self._mark)
                for entity, moment in asked:
                    key = self._key(view.version, entity)
                    if reader.window is None:
                        pipe.zrevrangebyscore(key, f"({moment}", "-inf", start=0, num=_PAGE)
                    else:
                        pipe.zrangebyscore(key, moment - reader.window, f"({moment}")
                marked, *answers = pipe.execute()
            if not marked:
                return [reader.nothing("unavailable")] * len(asked)
            return [
                self._found(reader, entity, moment, answer)
                for (entity, moment), answer in zip(asked, answers, strict=True)
            ]
        except redis.RedisError:
            return [reader.nothing("unavailable")] * len(asked)

    def _found(self, reader: ViewReader, entity: Any, moment: int, answer: list[bytes]) -> Found:
        if entity is None:
            return reader.nothing("no_key")
        facts = [_decode(member) for member in answer]
        if isinstance(reader, WindowReader):
            return reader.of_facts([fact for fact in facts if fact.seen < moment])
        return reader.latest(self._latest(reader, entity, moment, facts), moment)

    def _latest(self, reader: ViewReader, entity: Any, moment: int, facts: list[Fact]) -> Fact | None:
        """The fact known last, and among those of one moment the one with the greatest id, of those seen."""
        best: Fact | None = None
        start = 0
        while facts:
            for fact in facts:
                if best is not None and fact.known < best.known:
                    return best
                if fact.seen < moment and (best is None or fact.id > best.id):
                    best = fact
            if len(facts) < _PAGE:
                return best
            start += _PAGE
            key = self._key(reader.view.version, entity)
            page: Any = self._redis.zrevrangebyscore(key, f"({moment}", "-inf", start=start, num=_PAGE)
            facts = [_decode(member) for member in page]
        return best

    def _key(self, version: str, entity: Any) -> bytes:
        return f"{self._prefix}:{version}:".encode() + _encode(entity)
