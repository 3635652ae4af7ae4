"""The Dockerfile of an image: packages first, for they change least; then this package; then the project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

VENV, APP_FOLDER, PIP_CACHE = "/opt/venv", "/app", "/var/cache/pip"
USER_ID = 10001
OWN_REQUIREMENT = "own.txt"
_NOT_NEEDED = (
    "tests",
    "include",
    *(f"onnxruntime/{part}" for part in ("transformers", "tools", "quantization")),
    *(f"numpy/{part}" for part in ("distutils", "f2py")),
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an image is made of.

    `imports`: the modules that it imports when it starts; the bytecode of those of Python's own library, which slim
    images come without, is written. `only_wheels`: nothing is built, so no compiler is ever needed. `has_wheel`: this
    package is a wheel that goes along. `is_slim`: what no program reads of the packages is left out. `has_files`: the
    folder `app` is copied into it.
    `state_folder`: the one folder that is written to (empty: none). `port`: where its server listens (0: it has none),
    and `health_check`, the command that asks whether it is ready. `variables` are set in its environment.
    """

    title: str
    version: str
    base: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    work_folder: str
    system_packages: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    only_wheels: bool = False
    has_wheel: bool = False
    is_slim: bool = False
    has_files: bool = False
    state_folder: str = ""
    port: int = 0
    health_check: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def write_dockerfile(image: Image) -> str:
    """The text of the Dockerfile; docker with BuildKit, podman and buildah build it."""
    parts = [[f"ARG BASE={image.base}"], [*_packages(image)], [*_final(image)]]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _packages(image: Image) -> Iterator[str]:
    """The stage that installs: nothing but the folder of the environment leaves it."""
    pip = f"python -m pip --python {VENV}/bin/python install --no-deps"
    cache = f"RUN --mount=type=cache,target={PIP_CACHE} \\\n    "
    yield "# The packages, each file checked against its hash. This layer is built again only when one of them changes."
    yield "FROM ${BASE} AS packages"
    yield f"ENV PIP_CACHE_DIR={PIP_CACHE} PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore"
    yield "WORKDIR /build"
    yield f"RUN python -m venv --without-pip {VENV}"
    yield "COPY requirements.txt ./"
    wheels = " --only-binary=:all:" if image.only_wheels else ""
    yield f"{cache}{pip}{wheels} --require-hashes -r requirements.txt"
    if image.has_wheel:
        yield f"COPY {OWN_REQUIREMENT} ./"
        yield "COPY wheels/ wheels/"
        yield f"{cache}{pip} --no-index -r {OWN_REQUIREMENT}"
    if image.is_slim:
        yield "# Not needed to answer: what tests a package or compiles against it, and what debuggers read."
        names = (f"-path '*/{place}'" if "/" in place else f"-name {place}" for place in _NOT_NEEDED)
        places = " \\\n        -o ".join(names)
        yield from _install_system_packages("binutils")
        yield f"RUN find {VENV}/lib \\( {places} \\) \\\n        -prune -exec rm -rf {{}} + \\"
        yield f"    && find {VENV}/lib -name '*.pyi' -delete \\"
        yield f"    && find {VENV}/lib \\( -path '*/uvloop/*.so' -o -path '*/_polars_runtime*/*.so' \\) \\"
        yield "        -exec strip --strip-unneeded {} +"


def _final(image: Image) -> Iterator[str]:
    """The stage that becomes the image."""
    yield "FROM ${BASE}"
    yield "ARG BASE"
    if image.system_packages:
        yield from _install_system_packages(*image.system_packages)
    yield f"COPY --from=packages {VENV} {VENV}"
    if image.imports:
        yield "# The bytecode of what the first process imports: it starts in a third of the time."
        yield f'RUN {VENV}/bin/python -c "import {", ".join(image.imports)}"'
    variables = {
        "PATH": f"{VENV}/bin:$PATH",
        "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **image.variables,
    }
    yield "ENV " + " \\\n    ".join(f"{name}={value}" for name, value in variables.items())
    if image.state_folder:
        yield f"RUN install --directory --owner={USER_ID} --group={USER_ID} {image.state_folder}"
        yield f"VOLUME {image.state_folder}"
    if image.has_files:
        yield "# The version itself: what changes most often comes last."
        yield f"COPY app/ {APP_FOLDER}/"
    yield f"WORKDIR {image.work_folder}"
    yield f"USER {USER_ID}:{USER_ID}"
    if image.port:
        yield f"EXPOSE {image.port}"
        yield "HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \\"
        yield f"    CMD {json.dumps(list(image.health_check))}"
    yield f"LABEL org.opencontainers.image.title={json.dumps(image.title)} \\"
    yield f"      org.opencontainers.image.version={json.dumps(image.version)} \\"
    yield '      org.opencontainers.image.base.name="${BASE}"'
    yield f"ENTRYPOINT {json.dumps(list(image.entrypoint))}"
    yield f"CMD {json.dumps(list(image.command))}"


def _install_system_packages(*names: str) -> Iterator[str]:
    """Packages of Debian, whose versions follow the base image."""
    yield "# hadolint ignore=DL3008"
    yield "RUN apt-get update \\"
    yield f"    && apt-get install --yes --no-install-recommends {' '.join(names)} \\"
    yield "    && rm -rf /var/lib/apt/lists/*"
