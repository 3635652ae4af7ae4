from importlib.metadata import packages_distributions, version


def requirements(modules):
    """The lines of requirements.txt for a model whose code imports these modules, such as "yaml" or "sklearn.tree"."""
    installed = packages_distributions()
    packages = {package for module in modules for package in installed.get(module.split(".")[0], [])}
    return sorted(f"{package}=={version(package)}" for package in packages)
