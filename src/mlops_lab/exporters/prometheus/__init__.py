"""The exporter for Prometheus and Grafana: alert rules and a dashboard over what `/metrics` shows."""
