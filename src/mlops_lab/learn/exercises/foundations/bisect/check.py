import shutil

from mlops_lab.learn.checking import Work, fail

COMMITS = 9
SCRIPT = "#!/bin/bash\n"


def check(work: Work) -> None:
    judge = work.path("judge.sh")
    # The commits that cannot be trained stand where a bisection looks first.
    for number, (bad, broken) in enumerate(((6, {4}), (2, {4, 5}))):
        project = work.scratch / f"project-{number}"
        project.mkdir()
        history = [SCRIPT + _training(work, index, bad, broken) for index in range(COMMITS)]
        commits = _write_history(work, project, history)
        shutil.copy(judge, work.scratch / "judge.sh")
        words = f"git bisect start {commits[-1]} {commits[0]} && git bisect run bash ../judge.sh"
        done = work.run("bash", "-c", words, folder=project, timeout_seconds=10)
        found = next((line.split()[0] for line in done.stdout.splitlines() if "is the first bad commit" in line), None)
        if found != commits[bad]:
            named = f"commit {commits.index(found)}" if found in commits else "no commit"
            seen = (
                f"of commits 0 to {COMMITS - 1}, number {bad} made the model worse, {sorted(broken)} cannot be trained"
            )
            fail("wrong-commit", seen=f"{seen}; with judge.sh, git bisect blamed {named}", expected=f"commit {bad}")


def _training(work: Work, index: int, bad: int, broken: set[int]) -> str:
    if index in broken:
        return f"echo 'ImportError: no module named pandas' >&2; exit {1 + index % 2}\n"
    low, high = (0.26, 0.33) if index >= bad else (0.17, 0.24)
    return f"echo {work.rng.uniform(low, high):.3f} # {index}\n"


def _write_history(work: Work, project, history: list[str]) -> list[str]:
    """A repository with one commit for each text of train.sh; the names of the commits, the oldest first."""
    stream = []
    for index, text in enumerate(history):
        data = f"data {len(text)}\n{text}"
        stream.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1700000000 + index} +0000\n"
            f"data 1\n{index % 10}\nM 100644 inline train.sh\n{data}\n"
        )
    (work.scratch / "history").write_text("".join(stream))
    words = "git init --quiet && git fast-import --quiet < ../history && git checkout --quiet main"
    return work.run("bash", "-c", f"{words} && git rev-list --reverse main", folder=project).stdout.split()
