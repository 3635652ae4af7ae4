from mlops_lab.learn.checking import Work, fail

SECRET = (".env", ".env.production", "service/.env")
LARGE = (
    "data/flights.parquet",
    "data/raw/2013/01.csv",
    "models/model.onnx",
    "models/v2/model.bin",
    ".venv/bin/activate",
    ".venv/lib/numpy.py",
    "src/__pycache__/train.cpython-312.pyc",
)
WANTED = (
    "src/train.py",
    "src/data/reading.py",
    "src/models/forest.py",
    "tests/data/tiny.csv",
    "requirements.lock",
    ".env.example",
    "data/README.md",
    ".gitignore",
)


def check(work: Work) -> None:
    rules = work.path("gitignore").read_text()
    project = work.scratch / "project"
    for name in (*SECRET, *LARGE, *WANTED):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (project / ".gitignore").write_text(rules)
    for words in (("init", "--quiet"), ("add", "-A")):
        work.run("git", *words, folder=project)
    added = set(work.run("git", "ls-files", folder=project).stdout.splitlines())
    for name in SECRET:
        if name in added:
            fail("secret-added", seen=f"`git add -A` took {name}, which holds a secret", expected="that it is kept out")
    for name in LARGE:
        if name in added:
            fail("large-added", seen=f"`git add -A` took {name}", expected="no data, models, environments or caches")
    for name in WANTED:
        if name not in added:
            fail("kept-out", seen=f"`git add -A` left out {name}", expected="a repository that has it")
