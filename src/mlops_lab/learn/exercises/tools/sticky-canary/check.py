import json
import sys

from mlops_lab.learn.checking import Work, fail

SHARES = (0.0, 0.05, 0.2, 0.5, 1.0)
HALF = SHARES.index(0.5)
USERS = 2_000
SERVER = """
import json, sys
from routing import to_canary
kinds = json.load(open(sys.argv[1]))
shares = json.loads(sys.argv[2])
json.dump([[[bool(to_canary(user, share)) for share in shares] for user in users] for users in kinds], open(sys.argv[3], "w"))
"""


def check(work: Work) -> None:
    to_canary = work.load("routing.py", "to_canary").to_canary
    first = int(work.rng.integers(1, 50)) * 1_000
    kinds = (
        [f"{100 * number:09d}" for number in range(first, first + USERS)],
        [f"user-{number}@example.com" for number in range(first, first + USERS)],
        [work.rng.bytes(8).hex() for _ in range(USERS)],
    )
    for users in kinds:
        for share in SHARES:
            if changed := [user for user in users[:50] if len({bool(to_canary(user, share)) for _ in range(5)}) > 1]:
                seen = f"user {changed[0]}, share {share:g}: five requests, not always the same version"
                fail("changes-its-mind", seen=seen, expected="the same version each time")
    here, there = _ask_server(work, kinds, "1", SHARES), _ask_server(work, kinds, "2", SHARES[HALF : HALF + 1])
    for users, answers, others in zip(kinds, here, there, strict=True):
        if changed := [user for user, a, b in zip(users, answers, others, strict=True) if a[HALF] != b[0]]:
            seen = f"a share of 0.5: {len(changed):,} of {USERS:,} users get the new version on one of two servers only, such as {changed[0]}"
            fail("other-server", seen=seen, expected="the same answer on each server, though they share nothing")
        for place, share in enumerate(SHARES):
            got = sum(answer[place] for answer in answers) / USERS
            if abs(got - share) > 5 * (share * (1 - share) / USERS) ** 0.5:
                seen = (
                    f"a share of {share:g}, and users such as {users[0]} and {users[1]}: {got:.1%} get the new version"
                )
                fail("wrong-share", seen=seen, expected=f"about {share:.0%}")
        for user, answer in zip(users, answers, strict=True):
            if answer != sorted(answer):
                turns = ", ".join(
                    f"{share:g}: {'new' if new else 'old'}" for share, new in zip(SHARES, answer, strict=True)
                )
                seen = f"user {user}, while the share grows: {turns}"
                fail("sent-back", seen=seen, expected="that whoever has the new version keeps it")


def _ask_server(work: Work, kinds, name: str, shares: tuple[float, ...]) -> list:
    """The answers of a process of its own."""
    users, answers = work.scratch / "users.json", work.scratch / f"answers-{name}.json"
    users.write_text(json.dumps(kinds))
    env = {"PYTHONHASHSEED": name, "PYTHONPATH": str(work.folder), "PYTHONSAFEPATH": ""}
    done = work.run(sys.executable, "-c", SERVER, users, json.dumps(shares), answers, env=env)
    if done.returncode:
        seen = f"a server could not use routing.py: {done.stderr.strip().splitlines()[-1]}"
        fail("server-failed", seen=seen, expected="a function that works in a process of its own")
    return json.loads(answers.read_text())
