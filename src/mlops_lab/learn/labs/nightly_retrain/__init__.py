"""A nightly retrain that refuses what it must."""
