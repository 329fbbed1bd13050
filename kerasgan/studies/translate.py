"""`kerasgan translate`: translates or enlarges pictures of any size, in tiles, and continues films."""

import os
import sys
from pathlib import Path

import numpy as np

from kerasgan.data import picture as pictures
from kerasgan.data.film import read_film
from kerasgan.data.progress import progress
from kerasgan.pictures.files import replacing
from kerasgan.pictures.films import write_film
from kerasgan.pictures.png import PNGWriter

ROWS = 256  # number of rows to convert at once
FRAMES = 8  # default number of frames to predict


def translate(model, arguments):
    """Translates or enlarges pictures of any size, in tiles without seams, into PNG files; continues films.

    The alpha channel is kept, and 16-bit pictures give 16-bit files. Generator noise is omitted. Files have the same
    names and folders as the pictures. Films become GIF files, see `continue_film`.

    Args:
        model: The translator, or a model that continues films.
        arguments: Arguments of the command.
    """
    films = hasattr(model, "continue_video")
    if not films and not hasattr(model, "tiles"):
        hint = " Use `sample`." if model.generates else ""
        raise ValueError(f"{arguments.run} is a {type(model).__name__}, which does not translate pictures.{hint}")
    given = {
        "--frames": arguments.frames is not None and not films,
        "--to x": arguments.to == "x" and films,
        "--tile": arguments.tile is not None and films,
        "--overlap": arguments.overlap is not None and films,
    }
    if any(given.values()):
        what = "continues films" if films else "does not continue films"
        unused = ", ".join(name for name, is_given in given.items() if is_given)
        raise ValueError(
            f"{unused} was given, but {arguments.run} is a {type(model).__name__}, which {what}. Leave it out."
        )
    if films:

        def one(file, name):
            count = FRAMES if arguments.frames is None else arguments.frames
            continue_film(model, file, name, count, not arguments.raw)

    else:
        tiles = model.tiles(arguments.to, not arguments.raw, arguments.tile, arguments.overlap)

        def one(file, name):
            translate_file(model, tiles, file, name, arguments.to)

    failed, done = [], 0
    for file, name in _files(arguments.pictures, Path(arguments.output), ".gif" if films else ".png"):
        try:
            one(file, name)
        except pictures.Unreadable as error:
            failed.append(str(error))
            print(f"kerasgan: warning: {error}", file=sys.stderr)
            continue
        done += 1
        print(name)
    if failed or not done:
        kind = "films" if films else "pictures"
        raise ValueError(
            f"{len(failed)} of {done + len(failed)} {kind} could not be read." if failed else f"No {kind} found."
        )


def continue_film(model, file, output, count, ema=True):
    """Continues a film: a GIF file of all its frames and the predicted ones.

    Args:
        model: `kerasgan.FramePredictor`.
        file: Path of a GIF, animated WebP or animated PNG file with at least `model.context` frames of any size. Its
            frames become grey if the model's are.
        output: Path of the GIF file. It has as many frames per second as the film, and at most 256 colours per frame.
        count: Number of frames to predict.
        ema: Whether to use the averaged generator rather than the one being trained.

    Raises:
        kerasgan.data.picture.Unreadable: If the file cannot be read, or if it has too few frames.
    """
    if model.channels not in (1, 3):
        raise ValueError(f"The model's frames have {model.channels} channels; expected 1 or 3.")
    frames, rate = read_film(file, model.channels)
    if len(frames) < model.context:
        raise pictures.Unreadable(
            f"{file} has {len(frames)} frame{'s' * (len(frames) > 1)}; expected a film of at least {model.context}, "
            "from which the model predicts the next one."
        )
    known = frames[-model.context :].astype("float32") / 127.5 - 1.0
    made = model.continue_video(known[None], count, ema)[0]
    write_film(output, [*frames, *np.rint((np.clip(made, -1.0, 1.0) + 1.0) * 127.5).astype("uint8")], rate)


def _files(given, output, ending):
    """Pairs (picture, output file), in the order of their names."""
    found = []
    for path in map(Path, given):
        if not path.exists():
            raise ValueError(f"{path} does not exist; expected a picture or a folder of pictures.")
        files = [path] if path.is_file() else sorted(Path(at) / f for at, _, names in os.walk(path) for f in names)
        for file in files:
            if path.is_file() or (pictures.is_picture(file) and not file.name.startswith(".")):
                relative = Path(file.name) if path.is_file() else file.relative_to(path)
                found.append((file, output / relative.with_suffix(ending)))
    names = [name for _, name in found]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Several pictures would be written to {twice[0]}. Give them different names.")
    inside = [str(name) for file, name in found if file.resolve() == name.resolve()]
    if inside:
        raise ValueError(f"{inside[0]} would be overwritten. Choose another folder with -o.")
    return found


def translate_file(model, tiles, file, output, to="y"):
    """Translates one picture.

    Args:
        model: `kerasgan.TranslationModel`.
        tiles: The `Tiles` of the model.
        file: Path of the picture.
        output: Path of the output PNG file.
        to: Domain of the translation.

    Raises:
        kerasgan.data.picture.Unreadable: If the file is not a picture, or if the range of its levels is unknown.
        ValueError: If the model's channels do not suit pictures.
    """
    colours, alpha, bits = read(file)
    given, wanted = (tiles.network.input.shape[-1], tiles.network.output.shape[-1])
    lightness = (given, wanted) == (1, 2)
    if given not in (1, 3) or (wanted not in (1, 3) and not lightness):
        raise ValueError(
            f"The generator turns {given} channels into {wanted}; expected 1 or 3 on both sides, or 1 into 2 (a "
            "colorization)."
        )
    top = 2**bits - 1
    height, width = (side * tiles.enlargement for side in colours.shape[:2])
    channels = (3 if lightness else wanted) + (alpha is not None)
    total = tiles.steps(colours.shape[:2])
    with progress(Path(file).name, total) as advance, replacing(output) as opened:
        writer, row = PNGWriter(opened, width, height, channels, bits), 0
        unit = in_units(colours, top, given, lightness)
        for band in tiles.bands(unit, advance):
            if lightness:
                from kerasgan.pictures.color import colorized

                band = colorized(unit[row : row + len(band)], band)
            rows = np.rint((np.clip(band, -1.0, 1.0) + 1.0) * (top / 2.0)).astype(colours.dtype)
            if alpha is not None:
                rows = np.concatenate([rows, _enlarged_rows(alpha, tiles.enlargement, row, len(rows))], axis=-1)
            writer.write(rows)
            row += len(rows)
        writer.close()


def in_units(colours, top, channels, lightness=False):
    """Converts levels to a float32 array in [-1, 1] with the channels of a generator.

    Args:
        colours: Levels of shape (height, width, 1 or 3).
        top: Level of white.
        channels: 1 or 3.
        lightness: Whether a single channel is the lightness of Lab rather than the luma.
    """
    from kerasgan.pictures.color import colorization_pairs

    units = np.empty((*colours.shape[:2], channels), "float32")
    for row in range(0, len(colours), ROWS):
        part = colours[row : row + ROWS].astype("float32") * np.float32(2.0 / top) - 1.0
        if lightness:
            part = colorization_pairs(np.broadcast_to(part, (*part.shape[:2], 3)))[0]
        elif part.shape[-1] > channels:
            part = (part @ pictures.LUMA)[..., None]
        units[row : row + ROWS] = part
    return units


def _enlarged_rows(levels, factor, row, count):
    """Rows `row` to `row + count` of levels (height, width, 1) after bicubic enlargement by an integer factor."""
    if factor == 1:
        return levels[row : row + count]
    from PIL import Image

    width, top = levels.shape[1], np.iinfo(levels.dtype).max
    first, end = max(0, row // factor - 3), min(len(levels), -(-(row + count) // factor) + 3)
    plane = Image.fromarray(levels[first:end, :, 0].astype("float32"))
    box = (0, row / factor - first, width, (row + count) / factor - first)
    rows = np.asarray(plane.resize((width * factor, count), Image.Resampling.BICUBIC, box))
    return np.rint(np.clip(rows, 0, top)).astype(levels.dtype)[..., None]


def read(file):
    """Reads a picture's levels: (colours of shape (height, width, 1 or 3), alpha (height, width, 1) or None, bits).

    The levels are uint8 or uint16 arrays, for 8 and 16 bits.

    Raises:
        kerasgan.data.picture.Unreadable: If the file is not a picture, or if its levels are not integers.
    """
    header = pictures.survey(file, levels=False)
    if header.deep == "floats":
        raise pictures.Unreadable(f"{file} has non-integer levels of unknown range. Save it with 16 bits.")
    channels = (1 if header.grey else 3) + header.transparent
    reader = pictures.Reader(
        root=Path(file).parent,
        size=None,
        crop="none",
        fit="pad",
        background=(0, 0, 0),
        seed=0,
        channels=channels,
        value_range=(0.0, 65535.0) if header.deep else None,
    )
    array, reason = reader(file)
    if array is None:
        raise pictures.Unreadable(reason)
    array = np.rint(array).astype("uint16") if header.deep else array
    colours = array[..., : 1 if header.grey else 3]
    return colours, (array[..., -1:] if header.transparent else None), 16 if header.deep else 8
