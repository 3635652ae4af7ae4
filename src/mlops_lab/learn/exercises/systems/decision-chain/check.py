import json
from hashlib import sha256

from mlops_lab.learn.checking import Work, fail, given

WHAT = ("promoted", "refused", "rolled back", "approved")


def check(work: Work) -> None:
    first_broken = work.load("chain.py", "first_broken").first_broken
    for length in (12, 1, 30):
        chain = _chain([_decision(work, number) for number in range(length)])
        last_hash = chain[-1]["hash"]
        _compare(first_broken, chain, last_hash, None, "other", "nobody changed anything")
        if length == 1:
            continue
        place = int(work.rng.integers(2, length - 3))
        without = chain[:place] + chain[place + 1 :]
        _compare(first_broken, without, last_hash, place, "gap-missed", f"entry {place} was taken out")
        _compare(first_broken, chain[place:], last_hash, 0, "gap-missed", f"the first {place} entries were taken out")
        swapped = [*chain[:place], chain[place + 1], chain[place], *chain[place + 2 :]]
        _compare(
            first_broken, swapped, last_hash, place, "gap-missed", f"the entries {place} and {place + 1} were exchanged"
        )
        edited = [dict(entry) for entry in chain]
        edited[place]["by"] = "nobody"
        told = f"in entry {place} another name was written"
        _compare(first_broken, edited, last_hash, place, "change-missed", told)
        edited[place]["hash"] = _digest(edited[place])
        told += ", and its hash computed anew"
        _compare(first_broken, edited, last_hash, place + 1, "change-missed", told)
        rewritten = [
            *chain[:place],
            *_chain([{**chain[place], "by": "nobody"}, *chain[place + 1 :]], chain[place - 1]["hash"]),
        ]
        told = f"in entry {place} another name was written, and all hashes from there on computed anew"
        _compare(first_broken, rewritten, last_hash, length, "end-missed", told)
        cut = chain[: length - 2]
        _compare(first_broken, cut, last_hash, length - 2, "end-missed", "the last two entries were taken away")
    _compare(first_broken, [], last_hash, 0, "end-missed", "all entries were taken away")


def _compare(first_broken, entries, last_hash: str, right: int | None, key: str, told: str) -> None:
    with given(f"{told} ({len(entries)} entries)"):
        answer = first_broken([dict(entry) for entry in entries], last_hash)
    if answer == right and (answer is None) == (right is None):
        return
    seen = f"{told} ({len(entries)} entries): the answer is {answer}"
    if right is None:
        fail("false-alarm", seen=seen, expected="None")
    fail(key if answer is None else "wrong-place", seen=seen, expected=f"{right}")


def _decision(work: Work, number: int) -> dict:
    at = f"2024-03-{number + 1:02}T{int(work.rng.integers(0, 24)):02}:15:00Z"
    return {
        "at": at,
        "what": str(work.rng.choice(WHAT)),
        "version": number + 7,
        "by": str(work.rng.choice(["ana", "bo"])),
    }


def _chain(decisions: list[dict], before: str = "") -> list[dict]:
    chain = []
    for decision in decisions:
        entry = {**decision, "previous": before}
        entry["hash"] = before = _digest(entry)
        chain.append(entry)
    return chain


def _digest(entry: dict) -> str:
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
