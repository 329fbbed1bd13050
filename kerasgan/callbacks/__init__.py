"""What watches a training and keeps it: sample grids, checkpoints, logs, progress, schedules of single players."""

from kerasgan.callbacks.checkpoint import (
    Checkpoint,
    CorruptCheckpoint,
    latest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from kerasgan.callbacks.progress import Progress
from kerasgan.callbacks.run_log import RunLog
from kerasgan.callbacks.sample_grid import SampleGrid
from kerasgan.callbacks.schedule import PlayerSchedule

__all__ = [
    "Checkpoint",
    "CorruptCheckpoint",
    "PlayerSchedule",
    "Progress",
    "RunLog",
    "SampleGrid",
    "latest_checkpoint",
    "restore_checkpoint",
    "save_checkpoint",
]
