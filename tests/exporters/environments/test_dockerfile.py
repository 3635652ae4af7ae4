"""The Dockerfile of an image."""

from __future__ import annotations

import re
from dataclasses import replace

from mlops_lab.exporters.environments.dockerfile import Image, write_dockerfile

SERVING = Image(
    title="shop, version 3",
    version="3",
    base="python:3.11.7-slim",
    entrypoint=("python", "-m", "server"),
    command=(),
    work_folder="/data",
    imports=("server",),
    only_wheels=True,
    has_wheel=True,
    is_slim=True,
    has_files=True,
    state_folder="/data",
    port=8321,
    health_check=("python", "-m", "check"),
)


def instructions(image: Image) -> list[str]:
    """Its instructions, each on one line, without comments."""
    text = re.sub(r"\\\n\s*", "", write_dockerfile(image))
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_what_changes_least_comes_first() -> None:
    lines = instructions(SERVING)
    order = ["COPY requirements.txt", "COPY own.txt", "FROM ${BASE}", "COPY --from=packages", "COPY app/", "USER 10001"]
    places = [max(at for at, line in enumerate(lines) if line.startswith(begin)) for begin in order]
    assert places == sorted(places)


def test_only_checked_wheels_are_installed() -> None:
    (packages,) = [line for line in instructions(SERVING) if "-r requirements.txt" in line]
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(packages.split())
    assert "apt-get" not in write_dockerfile(SERVING).partition("\nFROM ${BASE}\nARG")[2], "nothing but the environment"


def test_the_last_stage_runs_as_nobody_and_says_how_it_is() -> None:
    last = instructions(SERVING)[-9:]
    assert "USER 10001:10001" in last
    assert [line for line in last if line.startswith("HEALTHCHECK") and '["python", "-m", "check"]' in line]
    assert [line for line in last if 'image.version="3"' in line]
    assert 'ENTRYPOINT ["python", "-m", "server"]' in last


def test_packages_of_the_system_leave_no_lists_behind() -> None:
    lines = instructions(replace(SERVING, system_packages=("libgomp1",)))
    (line,) = [line for line in lines if "apt-get install" in line and "libgomp1" in line]
    assert line.endswith("rm -rf /var/lib/apt/lists/*")


def test_what_an_image_does_not_need_is_not_there() -> None:
    plain = Image(title="t", version="", base="b", entrypoint=("mlops",), command=("run",), work_folder="/project")
    text = write_dockerfile(plain)
    for word in ("HEALTHCHECK", "VOLUME", "COPY app/", "own.txt", "EXPOSE", "find /opt/venv", "apt-get"):
        assert word not in text


def test_the_cache_of_pip_is_where_pip_looks_for_it() -> None:
    text = write_dockerfile(SERVING)
    assert "target=/var/cache/pip" in text
    assert "ENV PIP_CACHE_DIR=/var/cache/pip" in text


def test_no_failure_is_hidden_in_a_pipe() -> None:
    assert not [line for line in instructions(SERVING) if line.startswith("RUN") and " | " in line]
