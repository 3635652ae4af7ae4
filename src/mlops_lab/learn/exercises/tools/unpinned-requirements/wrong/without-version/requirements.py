from importlib.metadata import packages_distributions


def requirements(modules):
    installed = packages_distributions()
    return sorted({package for module in modules for package in installed.get(module.split(".")[0], [])})
