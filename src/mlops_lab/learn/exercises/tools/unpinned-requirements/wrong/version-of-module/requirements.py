import sys
from importlib.metadata import PackageNotFoundError, version


def requirements(modules):
    lines = []
    for top in sorted({module.split(".")[0] for module in modules} - sys.stdlib_module_names):
        try:
            lines.append(f"{top}=={version(top)}")
        except PackageNotFoundError:
            lines.append(top)
    return lines
