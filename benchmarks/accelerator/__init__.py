"""Speed, memory and trainings on a GPU machine that has JAX, PyTorch and NumPy, but no TensorFlow and no network.

    python -m benchmarks.accelerator --minutes 9             # all rows that the minutes suffice for
    python -m benchmarks.accelerator --minutes 9 --only stylegan2_128
    python -m benchmarks.accelerator --tiny                  # a rehearsal with tiny networks on a CPU
    python -m benchmarks.accelerator --train stylegan2_avatars128 --minutes 9 --data avatars.npz --checkpoint state
    python -m benchmarks.accelerator --pack avatars --size 128 --data avatars.npz     # where the data are

Keras and the two packages of its that such a machine lacks are carried as wheels. With Python 3.12 there, on a machine
with a network:

    pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \
        --platform manylinux2014_x86_64 -d wheels keras==3.15.1 optree namex
    git archive HEAD kerasgan benchmarks | tar -x -C carried       # the code without presets and tests

and on the GPU machine, in one line:

    python3 -m pip install -q --no-index --no-deps --target site wheels/*.whl && \
        PYTHONPATH=site:carried python3 -m benchmarks.accelerator --minutes 9 --out OUT/accelerator.json

The rows: the card's matrix rate, the check that a step on the accelerator agrees with the CPU's, and each game
(`games.py`) on JAX and beside it in PyTorch. Each row has a process of its own, so that its peak memory is its own and
a failure does not lose the others. A row that the time left does not suffice for is skipped with the reason. The
JSON file (`benchmarks/results/accelerator/<date>-<card>.json`) and the Markdown table are written after each row. A
second call with the same file measures only the rows that it lacks.
"""
