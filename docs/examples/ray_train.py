"""Trains a GAN on the workers of a Ray cluster, and begins again after failures from the last checkpoint.

    python ray_train.py --workers 2 -- train dcgan --data fashion --image-size 32 --epochs 20 --out /shared/run \\
        --checkpoint-every-steps 500

The folder of the run must be shared by all nodes. Needs `pip install 'ray[train]'`.
"""

import argparse
import subprocess
import sys

from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.tensorflow import TensorflowTrainer


def work(config):
    """Runs on a worker, where Ray has set TF_CONFIG; in a new process, as Ray calls it outside the main thread."""
    words = [*config["words"], "--resume", "auto", "--strategy", "multi_worker"]
    subprocess.run([sys.executable, "-m", "kerasgan", *words], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="number of processes, on as many machines as there are")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs of a worker (default: 0)")
    parser.add_argument("--failures", type=int, default=10, help="number of restarts (default: 10)")
    parser.add_argument("words", nargs="+", help="words of the command line of kerasgan, behind --")
    asked = parser.parse_args()
    gpus = {"use_gpu": True, "resources_per_worker": {"GPU": asked.gpus}} if asked.gpus else {}
    TensorflowTrainer(
        work,
        train_loop_config={"words": asked.words},
        scaling_config=ScalingConfig(num_workers=asked.workers, placement_strategy="SPREAD", **gpus),
        run_config=RunConfig(failure_config=FailureConfig(max_failures=asked.failures)),
    ).fit()


if __name__ == "__main__":
    main()
