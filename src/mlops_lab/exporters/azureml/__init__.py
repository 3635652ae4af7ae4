"""The versions that answer as an online endpoint of Azure Machine Learning."""
