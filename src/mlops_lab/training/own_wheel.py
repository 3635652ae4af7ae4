"""The installed package as a wheel, for machines that cannot get it from a package index."""

from __future__ import annotations

import base64
import hashlib
import io
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path

_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the wheel: the same package makes the same bytes."""
_COMPILED = ".so"


def pack_wheel(installed: Distribution, *, compiled: bool = False) -> tuple[str, bytes]:
    """The name and the content of a wheel of the package that is running: for any machine, or, with what was compiled
    here, for machines like this one.

    Without compiled files, LightGBM's own library serves its models, more slowly.
    """
    name = f"mlops_lab-{installed.version}"
    info = f"{name}.dist-info"
    package = Path(__file__).parents[1]
    is_pure = not (compiled and any(package.rglob(f"*{_COMPILED}")))
    tag = "py3-none-any" if is_pure else f"py3-none-{_platform_tag()}"
    files = {f"mlops_lab/{path}": content for path, content in _package_files(package, compiled=compiled)}
    for part in ("METADATA", "entry_points.txt"):
        files[f"{info}/{part}"] = (installed.read_text(part) or "").encode()
    files[f"{info}/WHEEL"] = _describe(tag, is_pure=is_pure)
    files[f"{info}/RECORD"] = _write_record(files, f"{info}/RECORD")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, _FIRST_MOMENT), content, zipfile.ZIP_DEFLATED)
    return f"{name}-{tag}.whl", buffer.getvalue()


def _platform_tag() -> str:
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _describe(tag: str, *, is_pure: bool) -> bytes:
    """The file WHEEL."""
    root = "true" if is_pure else "false"
    return f"Wheel-Version: 1.0\nGenerator: mlops-lab\nRoot-Is-Purelib: {root}\nTag: {tag}\n".encode()


def _package_files(package: Path, *, compiled: bool) -> Iterator[tuple[str, bytes]]:
    """Every file of the package, by its path in it."""
    for path in sorted(package.rglob("*")):
        within = path.relative_to(package)
        if path.is_file() and "__pycache__" not in within.parts and (compiled or path.suffix != _COMPILED):
            yield within.as_posix(), path.read_bytes()
    if not (package / "examples").exists():  # an editable package: the example lies beside the sources
        root = package.parents[1]
        for path in sorted((root / "examples" / "flights").glob("*.*")):
            if path.suffix in {".py", ".toml"}:
                yield path.relative_to(root).as_posix(), path.read_bytes()


def _write_record(files: Mapping[str, bytes], record: str) -> bytes:
    """The list of the wheel's files with their hashes."""
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{record},,", ""]).encode()
