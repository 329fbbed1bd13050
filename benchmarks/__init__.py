"""Benchmarks of speed and sample quality, run one by one: `python -m benchmarks.<name>`."""
