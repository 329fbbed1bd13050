"""`kerasgan walk`, `directions`, `edit` and `project`: the latents of a run or a preset."""

from pathlib import Path

from kerasgan.commands.adder import adder
from kerasgan.commands.options import add_truncation, noise, positive

# The same as in kerasgan.latent_space, which needs an engine.
SPACES, METHODS, STARTS = ("z", "w", "w+"), ("ganspace", "sefa"), ("candidates", "mean", "encoder")
FRAMES = 32  # number of film frames to compute at once, for each walk
MOST_WALKS = 16  # maximum by default
ROW = 7  # number of images per direction in a sheet


def add_parser(commands):
    """Adds the commands to the sub-commands of a parser."""
    count, amount, command = positive(int), positive(float), adder(commands)

    def add(function, name, output, what):
        one = command(function, name)
        one.add_argument("run", metavar="RUN|PRESET", help="folder of a run, or name, folder or address of a preset")
        one.add_argument("-o", "--output", default=output, metavar="FILE", help=f"{what} (default: {output})")
        one.add_argument("--seed", type=int, default=0, help="seed of the latents (default: 0)")
        one.add_argument("--noise", default="fixed", type=noise, help="noise: fixed, none or a factor (default: fixed)")
        return one

    one = add(walk, "walk", "walk.gif", "GIF or MP4 file, or a PNG file of all images side by side")
    one.add_argument("--space", choices=SPACES[:2], help="z for latents, w for styles (default: w if available)")
    one.add_argument("-n", "--count", type=count, metavar="N", help="walks side by side (default: one for each label)")
    one.add_argument("--stops", type=count, default=4, metavar="N", help="number of random stops (default: 4)")
    one.add_argument("--steps", type=count, default=16, metavar="N", help="images between two stops (default: 16)")
    one.add_argument(
        "--method",
        choices=("linear", "spherical"),
        help="interpolation between stops (default: depends on the latents)",
    )
    one.add_argument("--open", action="store_true", help="end at the last stop instead of returning to the first")
    add_truncation(one)
    one.add_argument("--labels", metavar="CLASS,...", help="names or numbers of classes, one for each walk")
    one.add_argument("--rate", type=amount, default=16, metavar="R", help="images per second (default: 16)")

    one = add(directions, "directions", "directions.json", "JSON file for `kerasgan edit`")
    one.add_argument(
        "--method", choices=METHODS, default=METHODS[0], help="how to find the directions (default: ganspace)"
    )
    one.add_argument("--space", choices=SPACES[:2], help="z for latents, w for styles (default: w if available)")
    one.add_argument("-n", "--count", type=count, default=8, metavar="N", help="number of directions (default: 8)")
    one.add_argument("--labels", metavar="CLASS", help="class whose images change, for the z of a conditional model")
    one.add_argument("--picture", metavar="FILE", help="PNG file with a row of images for each direction")

    one = add(edit, "edit", "edit.png", "PNG file of both images, or a GIF or MP4 file of the transition")
    one.add_argument(
        "--directions", metavar="FILE", help="file written by `kerasgan directions` (default: computes ganspace)"
    )
    one.add_argument(
        "--move",
        nargs="+",
        action="extend",
        required=True,
        type=_move,
        metavar="NAME=STRENGTH",
        help="name or number of a direction, and how far to move along it",
    )
    one.add_argument(
        "--layers", type=_layers, metavar="FIRST-LAST,...", help="layers to change, for generators with styles"
    )
    one.add_argument("--codes", metavar="FILE", help="codes written by `kerasgan project` (default: random codes)")
    one.add_argument("-n", "--count", type=count, default=8, metavar="N", help="number of random codes (default: 8)")
    add_truncation(one)
    one.add_argument("--labels", metavar="CLASS,...", help="names or numbers of classes, repeated up to N")
    one.add_argument("--steps", type=count, default=16, metavar="N", help="images of a film (default: 16)")
    one.add_argument("--rate", type=amount, default=16, metavar="R", help="images per second (default: 16)")

    one = add(project, "project", "projection.png", "PNG file of the pictures, with what was found below them")
    one.add_argument("pictures", nargs="+", metavar="PICTURE", help="picture files, cropped to the model's shape")
    one.add_argument("--space", choices=SPACES, help="space to search (default: w+ if available)")
    one.add_argument("--steps", type=count, default=500, metavar="N", help="number of steps (default: 500)")
    one.add_argument(
        "--learning-rate", type=amount, default=0.05, metavar="R", help="Adam's learning rate (default: 0.05)"
    )
    one.add_argument("--start", choices=STARTS, default=STARTS[0], help="initial codes (default: the best of 256)")
    one.add_argument(
        "--features",
        choices=("perceptual", "pixels"),
        default="perceptual",
        help="what to compare (default: perceptual)",
    )
    one.add_argument("--labels", metavar="CLASS,...", help="names or numbers of the pictures' classes, repeated")
    one.add_argument("--codes", metavar="FILE", help="NPZ file for codes and errors (default: beside OUTPUT)")


def walk(arguments):
    """Films a walk through the latent space of a run or a preset."""
    import numpy as np

    from kerasgan.data.progress import progress
    from kerasgan.pictures.films import check_film, write_film

    check_film(arguments.output)
    space = _space(arguments)
    classes = _classes(arguments)
    count = arguments.count or min(len(classes), MOST_WALKS) or 1
    labels = _labels(space, classes, count)
    stops = space.draw(arguments.stops * count, arguments.seed, arguments.truncation, **_times(labels, arguments.stops))
    walks = [
        space.walk(stops[place::count], arguments.steps, arguments.method, closed=not arguments.open)
        for place in range(count)
    ]
    codes, given, frames = np.stack(walks, axis=1), labels if space.space == "z" else {}, []
    with progress("images", len(codes)) as done:
        for start in range(0, len(codes), FRAMES):
            part = codes[start : start + FRAMES]
            images = space.images(part.reshape(-1, *codes.shape[2:]), **_times(given, len(part)))
            frames += [_sheet(space, each) for each in images.reshape(*part.shape[:2], *images.shape[1:])]
            done(len(part))
    write_film(arguments.output, frames, arguments.rate)
    print(arguments.output)


def directions(arguments):
    """Finds directions in the latent space of a run or a preset that change its images most."""
    import numpy as np
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from kerasgan.pictures.images import write_png

    space = _space(arguments)
    labels = _labels(space, _classes(arguments), 1) if space.space == "z" else {}
    found = space.directions(arguments.method, arguments.count, seed=arguments.seed, **labels)
    found.save(arguments.output)
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("name", "weight", "from", "to"):
        table.add_column(title, justify="left" if title == "name" else "right")
    for name, weight, (low, high) in zip(found.names, found.weights, found.ranges, strict=True):
        table.add_row(name, f"{weight:.4g}", f"{low:.3g}", f"{high:.3g}")
    Console().print(table)
    if arguments.picture:
        codes = np.repeat(space.draw(1, arguments.seed, **labels), ROW, axis=0)
        rows = [
            space.images(space.edit(codes, vector, np.linspace(low, high, ROW)), **_times(labels, ROW))
            for vector, (low, high) in zip(found.vectors, found.ranges, strict=True)
        ]
        write_png(arguments.picture, _sheet(space, np.concatenate(rows), ROW))
        print(arguments.picture)
    print(arguments.output)


def edit(arguments):
    """Moves images of a run or a preset along directions in its latent space."""
    import numpy as np

    from kerasgan.data.progress import progress
    from kerasgan.latent_space import Directions
    from kerasgan.pictures.films import check_film, write_film
    from kerasgan.pictures.images import write_png

    film = check_film(arguments.output) != ".png"
    found = Directions.load(arguments.directions) if arguments.directions else None
    kept = _read_codes(arguments.codes) if arguments.codes else {}
    space = _space(arguments, kept.get("space") or (found.space if found else None))
    found = found or _space(arguments, space.space[:1]).directions(count=16)
    if found.space != space.space[:1]:
        raise ValueError(f"--directions contains directions in {found.space!r}, but the codes are in {space.space!r}.")
    count = len(kept["codes"]) if kept else arguments.count
    labels = _labels(space, kept.get("labels") or _classes(arguments), count)
    codes = kept["codes"] if kept else space.draw(count, arguments.seed, arguments.truncation, **labels)
    given = labels if space.space == "z" else {}

    def moved(share):
        result = codes
        for name, strength in arguments.move:
            result = space.edit(result, found[name], share * strength, arguments.layers)
        if result.ndim == 3 and space.space == "w":  # codes with separate styles per layer
            return _space(arguments, "w+").images(result)
        return space.images(result, **given)

    if film:
        frames = []
        with progress("images", arguments.steps) as done:
            for share in np.linspace(0.0, 1.0, arguments.steps):
                frames.append(_sheet(space, moved(share)))
                done(1)
        write_film(arguments.output, frames, arguments.rate)
    else:
        write_png(arguments.output, _sheet(space, np.concatenate([moved(0.0), moved(1.0)]), count))
    print(arguments.output)


def project(arguments):
    """Finds the latents of a run or a preset whose images are closest to given pictures."""
    import numpy as np

    from kerasgan.data.progress import progress
    from kerasgan.pictures.files import replacing
    from kerasgan.pictures.images import write_png

    space = _space(arguments, arguments.space or "w+")
    pictures = _pictures(arguments.pictures, space.model)
    labels = _labels(space, _classes(arguments), len(pictures)) if space.space == "z" else {}
    options = {"steps": arguments.steps, "learning_rate": arguments.learning_rate, "start": arguments.start}
    options["features"] = "perceptual" if arguments.features == "perceptual" else None
    with progress("steps", len(pictures) * arguments.steps) as done:
        told = [0]

        def advance(now, whole):
            done(now - told[0])
            told[0] = now

        found = space.project(pictures, seed=arguments.seed, progress=advance, **options, **labels)
    write_png(arguments.output, _sheet(space, np.concatenate([pictures, found.images]), len(pictures)))
    codes = arguments.codes or Path(arguments.output).with_suffix(".npz")
    with replacing(codes) as file:
        entries = {"codes": found.codes, "space": space.space, "curve": found.curve, "steps": found.steps, **labels}
        np.savez_compressed(file, **entries)
    squares = np.square(np.clip(found.images, -1, 1) - pictures).mean(axis=(1, 2, 3))
    for name, error, first, last in zip(arguments.pictures, squares, found.curve[0], found.losses, strict=True):
        ratio = 10 * np.log10(4 / max(error, 1e-12))
        print(f"{name}: peak signal-to-noise ratio {ratio:.1f} dB, error {first:.4g} at the start, {last:.4g} at last")
    print(arguments.output)
    print(codes)


# Shared helpers ------------------------------------------------------------------------------------------------------


def _space(arguments, name=None):
    """The space of a command's model: the requested one, by default the styles if there are any."""
    from kerasgan.bases.styles import StyleModel
    from kerasgan.commands.trained import trained
    from kerasgan.latent_space import LatentSpace

    if not hasattr(arguments, "model"):
        arguments.model = trained(arguments.run)
    asked, model = getattr(arguments, "space", None), arguments.model
    name = asked or (name or "w" if isinstance(model, StyleModel) else "z")
    return LatentSpace(model, name, arguments.noise)


def _classes(arguments):
    from kerasgan.commands.trained import classes_of

    return classes_of(arguments.labels, arguments.run, arguments.model)


def _labels(space, classes, count):
    """Labels of a number of images as arguments; empty for models without labels."""
    import numpy as np

    return (
        {"labels": np.resize(np.asarray(classes, "int32"), count)} if space.model.conditions.classes and classes else {}
    )


def _times(labels, count):
    """Labels, repeated `count` times."""
    import numpy as np

    return {name: np.tile(value, count) for name, value in labels.items()}


def _sheet(space, images, columns=None):
    sheet = space.model.sample_kind.sheet(images, columns)
    if sheet is None:
        raise ValueError(f"Samples are {space.model.sample_kind}, which cannot be drawn.")
    return sheet


def _pictures(paths, model):
    """Reads pictures in a model's shape, in [-1, 1]."""
    import numpy as np

    from kerasgan.data.picture import Reader
    from kerasgan.data.prepare import prepare

    if len(model.image_shape) != 3:
        raise ValueError(f"Samples are {model.sample_kind}; expected a model of images.")
    height, width, channels = model.image_shape
    images = []
    for path in map(Path, paths):
        reader = Reader(path.parent, (height, width), "centre", "pad", (255, 255, 255), 0, channels)
        image, wrong = reader(path)
        if wrong:
            raise ValueError(f"{path} cannot be read: {wrong}")
        images.append(image)
    return prepare(np.stack(images), value_range=(0, 255))


def _read_codes(path):
    """Reads codes, their space and their labels from a file written by `project`."""
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        if not {"codes", "space"} <= set(file.files):
            raise ValueError(f"{path} contains no codes; expected a file written by `kerasgan project`.")
        labels = file["labels"].tolist() if "labels" in file.files else None
        return {"codes": file["codes"], "space": str(file["space"]), "labels": labels}


def _move(text):
    name, equals, strength = text.partition("=")
    if not name or not equals:
        raise ValueError(text)
    return name, float(strength)


def _layers(text):
    found: list = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
