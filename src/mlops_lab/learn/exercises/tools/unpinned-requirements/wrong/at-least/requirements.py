from importlib.metadata import packages_distributions, version


def requirements(modules):
    installed = packages_distributions()
    packages = {package for module in modules for package in installed.get(module.split(".")[0], [])}
    return sorted(f"{package}>={version(package)}" for package in packages)
