from mlops_lab.learn.checking import Work, fail, given

STORIES = (
    [("promoted", 1), ("refused", 2), ("refused", 3), ("promoted", 4)],
    [("promoted", 1), ("promoted", 2), ("rolled back from", 2), ("promoted", 1), ("promoted", 3)],
    [("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled back from", 3), ("promoted", 2)],
    [("promoted", 1)],
    [("refused", 1), ("promoted", 2), ("rolled back from", 2), ("promoted", 3)],
    [("promoted", 5), ("promoted", 2), ("promoted", 7)],
    [("promoted", 1), ("promoted", 2), ("promoted", 1), ("promoted", 3)],
    [("promoted", 4), ("promoted", 4)],
)


def check(work: Work) -> None:
    target = work.load("rollback.py", "rollback_target").rollback_target
    stories = [list(story) for story in STORIES] + [_make_story(work) for _ in range(60)]
    for story in stories:
        right = _target(story)
        with given(f"{story}"):
            answer = target(list(story))
        if answer == right:
            continue
        promoted = [version for what, version in story if what == "promoted"]
        told = ", ".join(f"{version} {what}" for what, version in story)
        seen = f"{told}: the answer {answer}"
        if answer is not None and answer not in promoted:
            fail("never-live", seen=seen, expected="a version that was live once")
        if answer == promoted[-1]:
            fail("still-live", seen=seen, expected="another version than the live one")
        if ("rolled back from", answer) in story:
            fail("harmful-again", seen=seen, expected="no version that was ever rolled back from")
        expected = "None" if right is None else "the most recent one that is left"
        fail("wrong-version", seen=seen, expected=expected)


def _target(story) -> int | None:
    harmful = {version for what, version in story if what == "rolled back from"}
    promoted = [version for what, version in story if what == "promoted"]
    return next((v for v in reversed(promoted) if v != promoted[-1] and v not in harmful), None)


def _make_story(work: Work) -> list[tuple[str, int]]:
    story, live = [("promoted", 1)], [1]
    for version in range(2, 9):
        what = work.rng.choice(["refused", "promoted", "harm"])
        story.append(("refused" if what == "refused" else "promoted", version))
        if what == "harm":
            story += [("rolled back from", version), ("promoted", live[-1])]
        elif what == "promoted":
            live.append(version)
    return story
