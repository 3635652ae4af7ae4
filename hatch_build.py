"""Compiles forest.c while the package is built or installed. Without a C compiler the package works, but slower."""

import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

FOLDER = Path("src/mlops_lab/registry/engines")
LIBRARY = "libforest.so"


class ForestHook(BuildHookInterface):
    """Makes libforest.so, which forest.py loads, beside its source; in a wheel, or in this folder if it is editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; where that fails, say why, and build a package of Python alone."""
        self._made = Path(tempfile.mkdtemp(prefix="forest-"))
        if not self._compile(Path(self.root) / FOLDER / "forest.c", self._made / LIBRARY):
            return
        build_data["pure_python"] = False
        # A wheel made here is for machines like this one: `make dist` makes those for any Linux.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        if version == "editable":
            new = Path(self.root) / FOLDER / f"{LIBRARY}.new"
            shutil.move(self._made / LIBRARY, new)
            new.replace(new.with_name(LIBRARY))  # a server may have the old one open
        else:
            build_data["force_include"][str(self._made / LIBRARY)] = str(FOLDER.relative_to("src") / LIBRARY)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was compiled for the wheel."""
        shutil.rmtree(self._made, ignore_errors=True)

    def _compile(self, source: Path, target: Path) -> bool:
        """Whether the source was compiled."""
        compiler = shlex.split(os.environ.get("CC", "cc"))
        if shutil.which(compiler[0]) is None:
            self.app.display_warning(f"no C compiler ({compiler[0]}): LightGBM's own library will serve its models")
            return False
        # -ffp-contract=off: a sum must not depend on whether the machine can multiply and add in one step.
        rules = ["-O3", "-fPIC", "-pthread", "-ffp-contract=off", f"-DSOURCE={zlib.crc32(source.read_bytes())}"]
        command = [*compiler, *rules, "-shared", "-o", str(target), str(source), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.app.display_warning(f"forest.c does not compile: {done.stderr}")
        return not done.returncode


class UrlsHook(MetadataHookInterface):
    """Names the repository from which a release is built: its address is known there, in REPOSITORY_URL."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the project's URLs; none in a build that is no release."""
        address = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        paths = {"Repository": "", "Documentation": "/tree/main/docs", "Issues": "/issues"}
        metadata["urls"] = {name: address + path for name, path in paths.items()} if address else {}
