"""The versions that answer as an endpoint of SageMaker."""
