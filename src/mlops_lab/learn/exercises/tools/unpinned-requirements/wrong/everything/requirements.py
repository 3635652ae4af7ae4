from importlib.metadata import distributions


def requirements(modules):
    return sorted({f"{package.name}=={package.version}" for package in distributions()})
