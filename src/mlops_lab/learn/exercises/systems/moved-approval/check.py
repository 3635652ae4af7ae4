from mlops_lab.learn.checking import Work, fail, given


def check(work: Work) -> None:
    may_promote = work.load("approving.py", "may_promote").may_promote
    rng = work.rng
    people = [str(name) for name in rng.permutation(["ana", "bo", "chen", "dia"])]
    author, first, second, _ = people
    version = int(rng.integers(5, 99))
    digest, other = (f"{rng.integers(16**8):08x}" for _ in range(2))
    candidate = {"version": version, "digest": digest, "author": author}

    def word(by: str, what: str = "approved", **changed) -> dict:
        return {"version": version, "digest": digest, "by": by, "what": what, **changed}

    cases = [
        ("approved-refused", "somebody else approved it", [word(first)], True),
        ("other-bytes", "the approved version has another digest", [word(first, digest=other)], False),
        ("other-bytes", "these bytes were approved as another version", [word(first, version=version - 1)], False),
        ("own-approval", "only the author approved it", [word(author)], False),
        ("withdrawn", "the approval was withdrawn", [word(first), word(first, "withdrawn")], False),
        ("approved-refused", "withdrawn, and approved again", [word(first), word(first, "withdrawn"), word(first)], True),
        ("approved-refused", "two approved it, one withdrew", [word(first), word(second), word(second, "withdrawn")], True),
        ("approved-refused", "one was against it from the start, another approved it", [word(second, "withdrawn"), word(first)], True),
        ("approved-refused", "approved; then withdrawn for other bytes", [word(first), word(first, "withdrawn", digest=other)], True),
        ("approved-refused", "approved; the author withdrew", [word(first), word(author, "withdrawn")], True),
        ("not-approved", "nobody said anything", [], False),
    ]  # fmt: skip
    for _ in range(60):
        said = [
            word(
                str(rng.choice(people)),
                str(rng.choice(["approved", "withdrawn"])),
                digest=str(rng.choice([digest, other])),
                version=version - int(rng.integers(0, 2)),
            )
            for _ in range(int(rng.integers(1, 7)))
        ]
        cases.append(("mixed", "several people, several versions", said, _is_approved(candidate, said)))
    for key, told, approvals, right in cases:
        with given(told):
            answer = may_promote(dict(candidate), [dict(approval) for approval in approvals])
        if bool(answer) != right:
            lines = "; ".join(f"{a['by']}: {a['what']} {a['version']} ({a['digest']})" for a in approvals) or "nothing"
            seen = f"version {version} ({digest}) by {author}. {told[0].upper()}{told[1:]}: {lines}. The answer is {answer}"
            fail(key, seen=seen, expected=f"{right}")


def _is_approved(candidate: dict, approvals: list[dict]) -> bool:
    last = {}
    for approval in approvals:
        if approval["version"] == candidate["version"] and approval["digest"] == candidate["digest"]:
            last[approval["by"]] = approval["what"]
    last.pop(candidate["author"], None)
    return "approved" in last.values()
