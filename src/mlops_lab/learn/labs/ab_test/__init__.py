"""An A/B test that can be believed."""
