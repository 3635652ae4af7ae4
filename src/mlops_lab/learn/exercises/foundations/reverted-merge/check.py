import shutil

from mlops_lab.learn.checking import Work, fail

ROWS = 60


def check(work: Work) -> None:
    script = work.path("bring_back.sh")
    # Rows far from each other, so that nothing conflicts.
    first, second, repair, after, later = (int(row) * 10 + 5 for row in work.rng.permutation(5))
    branch = f"fix-units-{work.rng.integers(10, 99)}"
    project = work.scratch / "project"
    project.mkdir()
    table = {row: f"{work.rng.uniform(1, 9):.2f}" for row in range(ROWS)}
    fixed = {row: f"{work.rng.uniform(100, 900):.0f}" for row in (first, second, repair, after, later)}

    def git(*words: str) -> str:
        return work.run("git", *words, folder=project).stdout.strip()

    def commit(message: str, *rows: int) -> None:
        text = (project / "labels.csv").read_text().splitlines() if rows else [f"{r},{v}" for r, v in table.items()]
        for row in rows:
            text[row] = f"{row},{fixed[row]}"
        (project / "labels.csv").write_text("\n".join(text) + "\n")
        git("commit", "--quiet", "--all", "--message", message)

    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.name", "A")
    git("config", "user.email", "a@example.org")
    (project / "labels.csv").touch()
    git("add", "labels.csv")
    commit("The table")
    git("checkout", "--quiet", "-b", branch)
    commit("Kilometres, not miles", first)
    commit("Kilometres here too", second)
    git("checkout", "--quiet", "main")
    commit("A row of others", after)
    git("merge", "--quiet", "--no-edit", branch)
    git("revert", "--no-edit", "-m", "1", "HEAD")
    reverted = git("rev-parse", "HEAD")
    commit("A later row of others", later)
    git("checkout", "--quiet", branch)
    commit("What was missing", repair)
    git("checkout", "--quiet", "main")
    shutil.copy(script, work.scratch / "bring_back.sh")
    done = work.run("bash", work.scratch / "bring_back.sh", branch, reverted, folder=project)
    said = (done.stdout + done.stderr).strip().splitlines()
    told = f"; bring_back.sh ended with {done.returncode}: {said[-1] if said else ''}" if done.returncode else ""
    found = dict(line.split(",") for line in git("show", "main:labels.csv").splitlines())
    if git("status", "--porcelain") or git("rev-parse", "--abbrev-ref", "HEAD") != "main":
        seen = f"afterwards there are changes that are not committed, or another branch than main is checked out{told}"
        fail("not-committed", seen=seen, expected="main, with everything committed")
    for key, rows, whose in (
        ("fix-lost", (first, second), "a row that the branch corrected before it was merged the first time"),
        ("repair-lost", (repair,), "the row that the branch corrected last"),
        ("main-lost", (after, later), "a row that others changed on main"),
    ):
        for row in rows:
            if found.get(str(row)) != fixed[row]:
                seen = f"row {row} of labels.csv on main is {found.get(str(row))}, not {fixed[row]}{told}"
                fail(key, seen=seen, expected=f"{fixed[row]}: {whose}")
