from dataclasses import dataclass

from mlops_lab.learn.checking import Work, fail

LOADING_SECONDS, PATIENCE_SECONDS = 180, 60
WANTED = "one container, and its probes"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
DEFAULTS = {
    "initialDelaySeconds": 0,
    "periodSeconds": 10,
    "failureThreshold": 3,
    "successThreshold": 1,
    "timeoutSeconds": 1,
}


@dataclass
class Story:
    """What happens to a server, in seconds after its start: when it is loaded, when it hangs, when the database is away."""

    loaded: int
    hangs: int = 10**9
    away: tuple[int, int] = (10**9, 10**9)
    seconds: int = 600

    def can_predict(self, now: int) -> bool:
        return self.loaded <= now < self.hangs and not self.away[0] <= now < self.away[1]

    def answers(self, handler: dict, now: int) -> bool:
        """Whether a probe succeeds."""
        if "tcpSocket" in handler:  # a server that hangs still takes connections
            return now >= self.loaded
        path = handler["httpGet"].get("path", "/")
        return self.can_predict(now) if path == "/ready" else path == "/live" and self.loaded <= now < self.hangs


def check(work: Work) -> None:
    probes = _read_probes(work)
    database_lost = int(work.rng.integers(300, 330))
    for loaded in (LOADING_SECONDS, int(work.rng.integers(60, 170)), 20):
        killed, gets_requests = _run(probes, Story(loaded))
        what = f"a server that needs {loaded} s to load"
        if killed is not None:
            seen = f"{what} was killed {killed} s after its start"
            fail("killed-while-loading", seen=seen, expected=f"that it may take {LOADING_SECONDS} s")
        if early := [now for now in gets_requests if now < loaded]:
            seen = f"{what} got requests {early[0]} s after its start"
            fail("requests-too-early", seen=seen, expected="no requests before it can predict")
        if loaded + PATIENCE_SECONDS not in gets_requests:
            seen = f"{what} got no requests {loaded + PATIENCE_SECONDS} s after its start"
            fail("requests-too-late", seen=seen, expected=f"requests at most {PATIENCE_SECONDS} s after it is loaded")
    later = (database_lost, database_lost + 300)
    for loaded, away in ((20, later), (LOADING_SECONDS, later), (20, (0, 500))):
        killed, gets_requests = _run(probes, Story(loaded, away=away, seconds=900))
        if killed is not None:
            seen = f"the database was away from second {away[0]} to {away[1]}; the server was killed in second {killed}"
            fail("killed-for-database", seen=seen, expected="that it waits: a new start brings no database back")
        if away[0] + PATIENCE_SECONDS in gets_requests:
            seen = f"the database was away, and {PATIENCE_SECONDS} s later the server still got requests"
            fail("requests-without-database", seen=seen, expected="no requests while it cannot predict")
        if away[1] + PATIENCE_SECONDS not in gets_requests:
            seen = f"the database came back, and {PATIENCE_SECONDS} s later the server got no requests"
            fail("requests-too-late", seen=seen, expected="requests again")
    for loaded in (LOADING_SECONDS, 20):
        hangs = loaded + int(work.rng.integers(50, 80))
        killed, _ = _run(probes, Story(loaded, hangs=hangs, seconds=900))
        if killed is None or killed - hangs > PATIENCE_SECONDS:
            when = "was not killed" if killed is None else f"was killed {killed - hangs} s later"
            seen = f"a server that was loaded after {loaded} s hung in second {hangs}, and {when}"
            fail("hangs-too-long", seen=seen, expected=f"a new start at most {PATIENCE_SECONDS} s later")


def _read_probes(work: Work) -> dict[str, dict]:
    """The probes of the container, with all defaults filled in."""
    deployment = work.load_yaml("deployment.yaml", WANTED)
    try:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        probes = {name: DEFAULTS | container[name] for name in PROBES if container.get(name)}
    except (KeyError, TypeError, ValueError) as error:
        fail(
            "bad-file",
            seen=f"deployment.yaml cannot be read: {type(error).__name__}, {' '.join(str(error).split())}",
            expected=WANTED,
        )
    for name, probe in probes.items():
        handlers = {key: probe.get(key) for key in ("httpGet", "tcpSocket") if probe.get(key)}
        if len(handlers) != 1 or str(next(iter(handlers.values())).get("port")) != "8080":
            fail(
                "bad-file", seen=f"{name} asks {handlers or 'nothing'}", expected="httpGet, with a path, and port 8080"
            )
        if unknown := sorted(set(probe) - set(DEFAULTS) - {"httpGet", "tcpSocket"}):
            fail("bad-file", seen=f"{name} has {unknown[0]}", expected=f"one of {', '.join(DEFAULTS)}")
        if bad := [
            key for key in DEFAULTS if not isinstance(probe[key], int) or probe[key] < (key != "initialDelaySeconds")
        ]:
            fail("bad-file", seen=f"{name}: {bad[0]} is {probe[bad[0]]}", expected="a whole number, 1 or more")
        if name != "readinessProbe" and probe["successThreshold"] != 1:
            fail(
                "bad-file", seen=f"{name} has another successThreshold than 1", expected="1: Kubernetes refuses others"
            )
    return probes


def _run(probes: dict[str, dict], story: Story) -> tuple[int | None, set[int]]:
    """When the kubelet kills the server (None: never), and the seconds in which it gets requests."""
    started_at = None if "startupProbe" in probes else 0
    ready = "readinessProbe" not in probes
    good, bad = dict.fromkeys(probes, 0), dict.fromkeys(probes, 0)
    requests = set()
    for now in range(story.seconds):
        for name, probe in probes.items():
            if (name == "startupProbe") == (started_at is not None):
                continue  # the others wait for it, and it is not asked again
            begin = max(started_at or 0, probe["initialDelaySeconds"])
            if now < begin or (now - begin) % probe["periodSeconds"]:
                continue
            succeeded = story.answers(probe, now)
            good[name], bad[name] = (good[name] + 1, 0) if succeeded else (0, bad[name] + 1)
            if name == "readinessProbe":
                ready = good[name] >= probe["successThreshold"] or (ready and bad[name] < probe["failureThreshold"])
            elif bad[name] >= probe["failureThreshold"]:
                return now + (probe["timeoutSeconds"] if now >= story.hangs else 0), requests
            elif name == "startupProbe" and succeeded:
                started_at = now
        if ready and started_at is not None:
            requests.add(now)
    return None, requests
