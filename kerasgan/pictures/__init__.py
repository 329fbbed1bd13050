"""Grids, PNG files, colour conversion and files that are written whole or not at all."""
