"""Training callbacks: health, sample grids, checkpoints, logs, trackers, progress and schedules of players."""

from kerasgan.callbacks.checkpoint import (
    Checkpoint,
    CorruptCheckpoint,
    NonFiniteState,
    latest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from kerasgan.callbacks.evaluation import Evaluation
from kerasgan.callbacks.health import Finding, GANHealth
from kerasgan.callbacks.held_out import HeldOut, load_best, read_best
from kerasgan.callbacks.interruption import Interrupted, Interruption, NonFiniteLoss, StopAtNonFinite
from kerasgan.callbacks.progress import Progress
from kerasgan.callbacks.run_log import RunLog
from kerasgan.callbacks.sample_grid import SampleGrid, SampleTexts
from kerasgan.callbacks.schedule import PlayerSchedule
from kerasgan.callbacks.trackers import MLflowLog, WandbLog
from kerasgan.callbacks.translation_grid import TranslationGrid

__all__ = [
    "Checkpoint",
    "CorruptCheckpoint",
    "Evaluation",
    "Finding",
    "GANHealth",
    "HeldOut",
    "Interrupted",
    "Interruption",
    "MLflowLog",
    "NonFiniteLoss",
    "NonFiniteState",
    "PlayerSchedule",
    "Progress",
    "RunLog",
    "SampleGrid",
    "SampleTexts",
    "StopAtNonFinite",
    "TranslationGrid",
    "WandbLog",
    "latest_checkpoint",
    "load_best",
    "read_best",
    "restore_checkpoint",
    "save_checkpoint",
]
