"""Training objectives: adversarial losses, penalties, and distances between sets of samples."""
