"""What watches a training and keeps it: sample grids, checkpoints, logs, progress, schedules of single players."""

from kerasgan.callbacks.checkpoint import (
    Checkpoint,
    CorruptCheckpoint,
    NonFiniteState,
    latest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from kerasgan.callbacks.interruption import Interrupted, Interruption, NonFiniteLoss, StopAtNonFinite
from kerasgan.callbacks.progress import Progress
from kerasgan.callbacks.run_log import RunLog
from kerasgan.callbacks.sample_grid import SampleGrid
from kerasgan.callbacks.schedule import PlayerSchedule

__all__ = [
    "Checkpoint",
    "CorruptCheckpoint",
    "Interrupted",
    "Interruption",
    "NonFiniteLoss",
    "NonFiniteState",
    "PlayerSchedule",
    "Progress",
    "RunLog",
    "SampleGrid",
    "StopAtNonFinite",
    "latest_checkpoint",
    "restore_checkpoint",
    "save_checkpoint",
]
