from importlib.metadata import distributions


def requirements(modules):
    """Looks into the list of files of each package that is installed."""
    wanted = {module.partition(".")[0] for module in modules}
    lines = set()
    for package in distributions():
        files = (package.read_text("RECORD") or "").splitlines()
        if any(file.split("/")[0].removesuffix(".py") in wanted for file in files):
            lines.add(f"{package.metadata['Name']} == {package.version}")
    return list(lines)
