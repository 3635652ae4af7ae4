"""An image of Python to build on, for machines that cannot load one: Debian's own packages and the Python of the tests."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = ("buildah", "mmdebstrap", "ldd", "dpkg")
NAME = f"localhost/python:{sys.version_info.major}.{sys.version_info.minor}-of-this-machine"
_NOT_NEEDED = shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a", "tkinter", "_tkinter*")


def make_base_image(folder: Path) -> str:
    """The name of an image like `python:3.x-slim`: Debian's smallest system, and this Python under /usr/local.

    Its Debian is the release of this machine, as the libraries of this Python are. Needs root and `PROGRAMS`.
    """
    root = folder / "root"
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    _copy_python(root / "usr/local")
    packages = ",".join(sorted({"ca-certificates", *_libraries(root / "usr/local")}))
    system = folder / "system"
    _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", release, str(system))
    shutil.copytree(root, system, symlinks=True, dirs_exist_ok=True)
    _run("chroot", str(system), "ldconfig")
    container = _run("buildah", "from", "scratch")
    try:
        _run("buildah", "copy", "--quiet", container, str(system), "/")
        _run("buildah", "config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        _run("buildah", "commit", "--quiet", container, NAME)
    finally:
        _run("buildah", "rm", container)
    return NAME


def _copy_python(place: Path) -> None:
    """Copy the Python that runs this to a place, with pip and nothing else that was installed beside it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    shutil.copytree(base / "lib" / version, place / "lib" / version, symlinks=True, ignore=_NOT_NEEDED)
    for library in base.glob("lib/libpython3*.so*"):
        shutil.copy2(library, place / "lib", follow_symlinks=False)
    (place / "bin").mkdir()
    shutil.copy2(base / "bin" / version, place / "bin")
    for name in ("python3", "python"):
        (place / "bin" / name).symlink_to(version)
    _run(str(place / "bin" / version), "-m", "ensurepip", "--root", "/", "--upgrade")


def _libraries(place: Path) -> set[str]:
    """The packages of Debian that the programs in a folder load libraries from."""
    files = [*place.glob("bin/python3.*"), *place.rglob("*.so")]
    loaded = {words[2] for file in files for words in _loaded(file) if words[2].startswith(("/lib", "/usr/lib"))}
    # A library of /lib is registered by dpkg as it was packed, which may be /usr/lib.
    owners = [_owner(Path(library)) for library in sorted(loaded)]
    return {owner for owner in owners if owner}


def _loaded(file: Path) -> list[list[str]]:
    return [line.split() for line in _run("ldd", str(file)).splitlines() if "=> /" in line]


def _owner(library: Path) -> str:
    for path in (library, library.resolve(), Path("/usr") / library.relative_to("/")):
        done = subprocess.run(["dpkg", "-S", str(path)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.partition(":")[0]
    return ""


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stderr[-2000:]}"
    return done.stdout.strip()
