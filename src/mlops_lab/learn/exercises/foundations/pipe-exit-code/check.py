from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    script = work.path("nightly.sh")
    tools = work.scratch / "tools"
    tools.mkdir()
    word = f"loss-{work.rng.integers(1000, 9999)}"
    for train, publish in ((0, 0), (1, 0), (137, 0), (0, 3)):
        night = work.scratch / f"night-{train}-{publish}"
        night.mkdir()
        _write(tools / "train", f"echo {word}; echo warning >&2; exit {train}")
        _write(tools / "publish", f'echo "$@" > published; exit {publish}')
        path = f"{tools}:/usr/bin:/bin"
        done = work.run("bash", script, folder=night, env={"PATH": path})
        published = (night / "published").exists()
        case = f"train ended with exit code {train}"
        if train and published:
            fail("published-failure", seen=f"{case}, and the model was published", expected="that nothing is published")
        if train and done.returncode == 0:
            fail("green-failure", seen=f"{case}, and the script with 0", expected="an exit code that is not 0")
        log = night / "train.log"
        if not log.exists() or word not in log.read_text() or word not in done.stdout:
            where = "train.log" if word in done.stdout else "the screen"
            fail("log-lost", seen=f"the output of train did not reach {where}", expected="the output in both places")
        if train == 0 and not published:
            fail("never-published", seen="train succeeded, and nothing was published", expected="a published model")
        if publish and done.returncode == 0:
            fail(
                "green-failure",
                seen="publish failed, and the script ended with 0",
                expected="an exit code that is not 0",
            )
        if train == publish == 0 and done.returncode:
            fail(
                "red-success",
                seen=f"all went well, and the script ended with {done.returncode}",
                expected="exit code 0",
            )


def _write(path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
