"""What players minimise: adversarial losses, penalties, and distances between sets of samples."""
