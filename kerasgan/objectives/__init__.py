"""Objectives of the players: adversarial losses, penalties, and distances between sets of samples."""
