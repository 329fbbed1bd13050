"""Benchmarks of speed and sample quality, run individually by `python -m benchmarks.<name>`."""
