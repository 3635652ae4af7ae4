from dataclasses import dataclass

from mlops_lab.learn.checking import Work, fail

ANSWERS = ("wait", "roll back", "use fallback", "page")
MINUTES = 150
HEALS_AFTER, PERSON_NEEDS = 2, 20


@dataclass
class Incident:
    """What begins at a minute, the one answer that ends it, and when that answer came. A blip ends by itself."""

    begin: int
    kind: str
    right: str
    lasts: int = MINUTES
    answered: int | None = None

    def is_on(self, minute: int) -> bool:
        needs = PERSON_NEEDS if self.right == "page" else HEALS_AFTER
        over = self.begin + self.lasts if self.answered is None else self.answered + needs
        return self.begin <= minute < over


@dataclass
class Day:
    """The story of a day: its incidents, and when there were releases, and when the feed began to stand still."""

    incidents: list[Incident]
    releases: tuple[int, ...] = ()
    feed_stops: int | None = None


def check(work: Work) -> None:
    respond = work.load("oncall.py", "respond").respond
    at = int(work.rng.integers(40, 55))
    release, feed = "a bad release", "a feed that stands still"
    days = [
        Day([]),
        Day([Incident(at, "a blip of one minute", "wait", 1)]),
        Day([Incident(at, "a blip of two minutes, just after a release", "wait", 2)], (at - 2,)),
        Day([Incident(at, "one minute without a measurement", "wait", 1)]),
        Day([Incident(at, release, "roll back")], (at,)),
        Day([Incident(at, f"{release}, seen 25 minutes later", "roll back")], (at - 25,)),
        Day([Incident(at, feed, "use fallback")], (), at - 16),
        Day([Incident(at, f"{feed}, an hour after a release", "use fallback")], (at - 38,), at - 16),
        Day([Incident(at, "errors for which there is no sign of a reason", "page")], (at - 38,)),
        Day([Incident(at, "no measurement any more", "page")], (at - 1,)),
        Day([Incident(at, release, "roll back"), Incident(at + 40, release, "roll back")], (at, at + 40)),
        Day([Incident(at, release, "roll back"), Incident(at + 50, feed, "use fallback")], (at,), at + 34),
    ]
    for day in days:
        _play(work, respond, day)


def _play(work: Work, respond, day: Day) -> None:
    memory: dict = {}
    for minute in range(MINUTES):
        incident = next((one for one in day.incidents if one.is_on(minute)), None)
        seen = _look(work, day, minute, incident)
        answer = respond(minute, dict(seen), memory)
        clock = f"12:{minute:02}" if minute < 60 else f"{12 + minute // 60}:{minute % 60:02}"
        if answer not in ANSWERS:
            fail("no-answer", seen=f"{clock}: the answer {answer!r}", expected=" or ".join(ANSWERS))
        if answer != "wait":
            _judge(day, minute, answer, f"{clock}, {seen}: the answer is {answer}")
        for one in day.incidents:
            if one.right != "wait" and one.answered is None and minute == one.begin + 4:
                told = f"{clock}: for the fifth minute there is {one.kind}, {seen}, and no answer yet"
                fail("too-late", seen=told, expected=f"an answer in the third to fifth minute: {one.right}")


def _judge(day: Day, minute: int, answer: str, told: str) -> None:
    """An answer that is not "wait": counts for the incident that is on, or is a mistake."""
    begun = [one for one in day.incidents if one.begin <= minute]
    if not begun:
        fail("overreacted", seen=f"{told}; nothing is wrong", expected="wait")
    incident = begun[-1]
    if incident.right == "wait" or minute < incident.begin + 2:
        minutes = minute - incident.begin + 1
        fail("overreacted", seen=f"{told}; {incident.kind}, in its minute {minutes}", expected="wait for three minutes")
    if incident.answered is not None:
        since = minute - incident.answered
        seen = f"{told}; {since} min before, there was an answer to this incident ({incident.kind})"
        fail("repeated", seen=seen, expected="wait: it needs some minutes to work")
    if answer != incident.right:
        fail("wrong-answer", seen=f"{told}; it is {incident.kind}", expected=incident.right)
    incident.answered = minute


def _look(work: Work, day: Day, minute: int, incident: Incident | None) -> dict:
    rate = float(work.rng.uniform(0.01, 0.05) if incident is None else work.rng.uniform(0.15, 0.4))
    is_silent = incident is not None and "measurement" in incident.kind
    released = [at for at in day.releases if at <= minute]
    stopped = day.feed_stops is not None and minute >= day.feed_stops
    return {
        "error_rate": None if is_silent else round(rate, 3),
        "minutes_since_release": minute - released[-1] if released else None,
        "feed_age_minutes": minute - day.feed_stops if stopped else int(work.rng.integers(0, 5)),
    }
