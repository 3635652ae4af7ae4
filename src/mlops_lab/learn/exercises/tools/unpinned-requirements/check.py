import re
import sys
from importlib.metadata import PackageNotFoundError, version

from mlops_lab.learn.checking import Work, fail

PACKAGES = {
    "yaml": "PyYAML",
    "sklearn.ensemble": "scikit-learn",
    "dateutil.parser": "python-dateutil",
    "numpy": "numpy",
    "numpy.random": "numpy",
    "sqlalchemy.orm": "SQLAlchemy",
    "msgspec": "msgspec",
}
STANDARD = ("json", "os.path", "math", "sqlite3", "collections.abc", "__future__")


def check(work: Work) -> None:
    requirements = work.load("requirements.py", "requirements").requirements
    modules = [str(module) for module in work.rng.permutation([*PACKAGES, *STANDARD])]
    lines = [line.strip() for line in requirements(list(modules))]
    names = [_name(line) for line in lines]
    for line in lines:
        if re.split(r"[^\w.-]", line)[0].split(".")[0] in sys.stdlib_module_names:
            fail("no-such-package", seen=f"the line {line!r}, which is a part of Python", expected="no line for it")
        if not _is_installed(_name(line)):
            seen = f"the line {line!r}; no package here is named so, though a module may be"
            fail("no-such-package", seen=seen, expected="the name with which one installs it")
    wanted = {_name(PACKAGES[module]): module for module in modules if module in PACKAGES}
    if missing := [module for name, module in wanted.items() if name not in names]:
        fail("package-missing", seen=f"no line for {missing[0]}", expected="what brings this module")
    if more := [line for line in lines if _name(line) not in wanted]:
        seen = f"the line {more[0]!r}, and {len(more) - 1} more that no import needs"
        fail("not-imported", seen=seen, expected="only packages that the model imports")
    for line in lines:
        right = f"{_name(line)}=={version(_name(line))}"
        if _name(line) + "".join(line.split())[len(_name(line)) :] != right:
            seen = f"the line {line!r}, which installs what is newest on that day; here is {version(_name(line))}"
            fail("other-version", seen=seen, expected="a line that installs just the version that is here")
    if len(lines) > len(wanted):
        fail("line-twice", seen=f"the lines {lines}", expected="one line for each package")


def _name(line: str) -> str:
    """The name of the package in a line, spelled as indexes compare names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]*", line)[0]).lower()


def _is_installed(name: str) -> bool:
    try:
        return bool(name) and bool(version(name))
    except PackageNotFoundError:
        return False
