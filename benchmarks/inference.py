"""Speed and memory of inference: `model.sample` beside each exported form, batches of 1 and of 64.

    python -m benchmarks.inference [--threads 1] [--rounds 12] [PRESET...]

Every form runs in a process of its own, one at a time: `sample` in Keras, the signatures `serving_default` and `sample`
of the SavedModel in TensorFlow, ONNX in ONNX Runtime, LiteRT in its interpreter. Rounds alternate over the forms; in a
round each is called once without and then several times with timing. Latents are given to the forms that take them;
`sample` draws them. Memory is the peak of the process, the import of its runtime included. Run it on an idle machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.paired import ROOT, Worker

PRESETS = ("dcgan_glyphs64", "dcgan_fashion")
FORMS = {
    "sample": "`model.sample`",
    "default": "SavedModel `serving_default`",
    "drawing": "SavedModel `sample`",
    "onnx": "ONNX",
    "litert": "LiteRT",
}
CALLS = {1: 20, 64: 4}
AIM = 0.95  # of `model.sample` relative to ONNX Runtime at a batch of 64
FOLDER, THREADS = "KERASGAN_INFERENCE_FOLDER", "KERASGAN_INFERENCE_THREADS"


def export(folder, names):
    """Writes the exports of presets; run in a process of its own."""
    import numpy as np

    import kerasgan
    from kerasgan.export import export_as

    for name in names:
        model = kerasgan.load(name)
        for form in ("savedmodel", "onnx", "litert"):
            export_as(model, Path(folder) / name / form, form)
        latents, *conditions = (np.asarray(value) for value in model.sample_inputs(max(CALLS), seed=0))
        named = dict(zip(model.conditions.kinds, conditions, strict=True))
        np.savez(Path(folder) / name / "inputs.npz", latents=latents, **named)
        np.save(Path(folder) / name / "samples.npy", model.sample(max(CALLS), seed=0))


def form_of(form, batch, name):
    """The step of a form: a callable without arguments that returns the images of a batch as an array."""
    import numpy as np

    folder, threads = Path(os.environ[FOLDER]) / name, int(os.environ[THREADS])
    with np.load(folder / "inputs.npz") as file:
        inputs = {key: file[key][:batch] for key in file.files}
    if form == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(folder / "onnx", options, providers=["CPUExecutionProvider"])
        return lambda: session.run(["images"], inputs)[0]
    if form == "sample":
        import kerasgan

        model = kerasgan.load(name)
        return lambda: model.sample(batch, seed=0)
    import tensorflow as tf

    if form == "litert":
        interpreter = tf.lite.Interpreter(str(folder / "litert"), num_threads=threads)
        run = interpreter.get_signature_runner("serving_default")
        return lambda: run(**inputs)["images"]
    signature = "serving_default" if form == "default" else "sample"
    loaded = tf.saved_model.load(folder / "savedmodel")
    function = loaded.signatures[signature]
    given = {key: tf.constant(value) for key, value in inputs.items()}
    if form == "drawing":
        del given["latents"]
        given |= {"num": tf.constant(batch), "seed": tf.constant(0, "int64")}
        takes = function.structured_input_signature[1]
        given |= {"truncation": tf.constant(10.0)} if "truncation" in takes else {}
    return lambda: loaded and function(**given)["images"].numpy()


def checked(form, batch, name):
    """The step of a form, whose images have been compared with those of `model.sample`."""
    import numpy as np

    step = form_of(form, batch, name)
    expected = np.load(Path(os.environ[FOLDER]) / name / "samples.npy")[:batch]
    np.testing.assert_allclose(step(), expected, atol=2e-4)
    return step


def __getattr__(target):
    """`onnx__64__dcgan_fashion`: the factory of a worker's step."""
    form, _, rest = target.partition("__")
    batch, separator, name = rest.partition("__")
    if not separator or form not in FORMS:
        raise AttributeError(target)
    return lambda: checked(form, int(batch), name)


def measure(name, batch, rounds, environment, pause=0.25):
    """Seconds of each call of each form, and the peak megabytes of its process.

    Args:
        name: Name of the preset.
        batch: Number of samples of a call.
        rounds: Number of rounds, besides one for warming up.
        environment: Environment variables of the processes.
        pause: Seconds before a form's calls, in which the threads of the one before stop spinning.
    """
    workers: dict[str, Worker] = {}
    seconds: dict[str, list[float]] = {form: [] for form in FORMS}
    try:
        for form in FORMS:
            workers[form] = Worker(form, f"benchmarks.inference:{form}__{batch}__{name}", environment)
        order = list(FORMS)
        for index in range(rounds + 1):
            for form in order:
                time.sleep(pause)
                workers[form].go(1)
                times = [workers[form].go(1) for _ in range(CALLS[batch])]
                seconds[form] += times if index else []
            order.reverse()
        return seconds, {form: worker.peak_megabytes for form, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.close()


def rows_of(name, batch, seconds, megabytes):
    """Lines of the table: speeds, median and 95th percentile of a call, and the speed relative to ONNX."""
    calls = CALLS[batch]
    rounds = {
        form: [statistics.median(times[i : i + calls]) for i in range(0, len(times), calls)]
        for form, times in seconds.items()
    }
    lines = []
    for form, label in FORMS.items():
        ratio = statistics.median(b / a for a, b in zip(rounds[form], rounds["onnx"], strict=True))
        middle, late = statistics.median(seconds[form]), sorted(seconds[form])[int(0.95 * (len(seconds[form]) - 1))]
        cells = [f"`{name}`", str(batch), label, f"{batch / middle:,.0f}", f"{1e3 * middle:.2f}", f"{1e3 * late:.2f}"]
        lines.append(f"| {' | '.join([*cells, f'{ratio:.2f}', f'{megabytes[form]:,.0f}'])} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=f"(default: {', '.join(PRESETS)})")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of each form (default: all cores)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "inference.md")
    parser.add_argument("--export", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.presets or PRESETS
    if arguments.export:
        export(arguments.export, names)
        return 0
    threads = str(arguments.threads)
    environment = {
        **{"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": threads},
        "TF_ENABLE_ONEDNN_OPTS": "1",  # as `import kerasgan` sets it, and as docs/serving.md advises for SavedModels
        **{"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads, THREADS: threads},
    }
    lines = [
        f"`python -m benchmarks.inference --threads {threads}`: {arguments.rounds} alternating rounds of the forms, of "
        f"{CALLS[1]} calls of 1 and {CALLS[64]} calls of 64 samples. Milliseconds of a call; ratios are medians over "
        "rounds; the images of all forms agree.",
        "",
        "| preset | batch | form | samples/s | median ms | p95 ms | × ONNX | peak MB |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        environment[FOLDER] = folder
        command = [sys.executable, "-m", "benchmarks.inference", "--export", folder, *names]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)
        for name in names:
            for batch in CALLS:
                seconds, megabytes = measure(name, batch, arguments.rounds, environment)
                found = rows_of(name, batch, seconds, megabytes)
                print("\n".join(found), flush=True)
                lines += found
    lines += ["", f"The aim is that `model.sample` has {AIM} of ONNX Runtime's speed or more at a batch of 64."]
    arguments.out.write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
