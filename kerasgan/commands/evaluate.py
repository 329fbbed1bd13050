"""`kerasgan evaluate`: the arguments; `kerasgan.studies.evaluate` does the work."""

from kerasgan.commands.adder import adder
from kerasgan.commands.options import add_picture_options, picture_options

# As kerasgan.metrics.evaluation.METRICS and DEFAULT_METRICS, and kerasgan.metrics.features.NAMES, which need an engine.
METRICS = (
    *("frechet_distance", "kernel_distance", "precision_recall", "nearest_neighbour", "sliced_wasserstein"),
    *("different_bins", "inception_score", "class_histogram", "label_fidelity", "classification_accuracy"),
)
DEFAULT_METRICS = ("frechet_distance", "kernel_distance", "precision_recall", "nearest_neighbour")
FEATURES = (
    *("pixels", "random-conv-seed0", "spectrograms-conv-seed0", "moments-conv-seed0", "views-conv-seed0"),
    *("classifier-digits-v1", "classifier-glyphs-v1", "classifier-sprites-v1"),
    *("classifier-fashion-v1", "classifier-fashion-judge-v1", "classifier-parts-v1"),
    "inception-2015",
)


def add_parser(commands):
    """Adds `evaluate` to the sub-commands of a parser."""
    about = (
        "Scores samples or translations of a run or a preset, or a folder of images, between a control and real data."
    )
    one = adder(commands)(evaluate, "evaluate", about)
    one.add_argument(
        "samples", metavar="RUN|PRESET|FOLDER", help="folder of a run, name or address of a preset, or folder of images"
    )
    one.add_argument("--data", metavar="NAME", help="the real images (default: those that the run was trained on)")
    one.add_argument("--split", help="part of the data (default: test where there is one, else train)")
    one.add_argument(
        "--metrics",
        nargs="+",
        default=DEFAULT_METRICS,
        metavar="METRIC",
        help=f"some of {', '.join(METRICS)}, or their beginnings (default: {' '.join(DEFAULT_METRICS)})",
    )
    one.add_argument(
        "--features",
        choices=FEATURES,
        metavar="FEATURES",
        help=f"one of {', '.join(FEATURES)} (default: the data's classifier where there is one, else {FEATURES[1]}, "
        "of spectrograms for sounds, of threes of frames for films, of views for solids)",
    )
    one.add_argument("--count", type=int, metavar="N", help="samples of each set (default: all, at most 5000)")
    one.add_argument("--seed", type=int, default=0, help="seed of the samples, the choice of real ones and the metrics")
    one.add_argument("--raw", action="store_true", help="use the raw generator instead of the averaged one")
    one.add_argument(
        "--probe",
        action="store_true",
        help="instead score classifiers on an encoder's features, compared with pixels, PCA and an untrained encoder",
    )
    one.add_argument("-o", "--out", default="evaluate.json", metavar="FILE", help="JSON file (default: evaluate.json)")
    add_picture_options(one, "of a FOLDER of images (default: their own); the real ones get the size of the others")


def evaluate(arguments):
    """Scores samples or translations of a run or a preset, or a folder of images, between a control and real data.

    The column "control" is a Gaussian fitted to further real images (of each class, for a conditional model), "ceiling"
    these images themselves: those of the split "train" for the default split "test", else the other half of the split.
    Real images are read as the training read them. Texts and molecules have scores of their own. Of a model that
    continues films, the next frames are compared with the true ones, and the control is a copy of the last frame.

    Translations of unseen images are scored as on the card of a preset, between the inputs and the targets; --metrics
    and --features are for samples.
    """
    if arguments.probe:
        from kerasgan.studies.probe import probe

        probe(arguments, picture_options(arguments))
        return
    from kerasgan.studies.evaluate import evaluate as evaluated

    evaluated(arguments, picture_options(arguments))
