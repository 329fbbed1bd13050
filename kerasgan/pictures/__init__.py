"""Image grids, PNG files, colour conversion and atomic file writes."""
