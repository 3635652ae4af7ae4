def requirements(modules):
    """The lines of requirements.txt for a model whose code imports these modules, such as "yaml" or "sklearn.tree"."""
    return sorted(modules)
