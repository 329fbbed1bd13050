"""Fonts of this machine: finding them, drawing their letters and digits, and selecting the usable ones."""

import hashlib
import string
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
SUFFIXES = (".ttf", ".otf")
SIZE = 32  # size of the images for judging fonts
OVERSAMPLING = 4
FILL = 0.88  # fraction of the image's side that the tallest or widest character fills

FEWEST_INKED = 6  # smallest number of at least half inked pixels of a non-blank character
FEWEST_DIFFERENT = 58  # smallest number of different images among the 62 of a face; missing characters are equal
NEAR_DUPLICATE = 0.03  # root mean square difference of two faces, relative to the full range
LOOKALIKE = 0.085  # the same, for families that must be in the same split
LEGIBILITY = 0.6  # fraction of characters that a classifier not trained on the family recognises
FEWEST_FAMILIES = 20  # smallest number of families to train such a classifier


def font_files(folders):
    """Returns all font files in folders and their subfolders, sorted and without duplicates; follows links."""
    files = {
        path.resolve(): path
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    }
    return sorted(files.values())


def draw_face(path, size):
    """Draws the characters of a font, white on black, each centred, on a common baseline and at a common scale.

    Args:
        path: Font file.
        size: Side of the images in pixels.

    Returns:
        A uint8 array of shape (62, size, size), in the order of `CHARACTERS`.

    Raises:
        OSError: If Pillow cannot read the font.
        ValueError: If the font's characters are empty.
    """
    from PIL import Image, ImageDraw, ImageFont

    side = size * OVERSAMPLING

    def load(pixels):
        # Every Pillow has the basic layout, which is sufficient for single letters.
        font = ImageFont.truetype(str(path), pixels, layout_engine=ImageFont.Layout.BASIC)
        heights = np.array([font.getbbox(character, anchor="ls")[1::2] for character in CHARACTERS])
        return font, heights[:, 0].min(), heights[:, 1].max()

    font, top, bottom = load(side)
    # `getbbox` includes the white space beside a character, the box of its ink does not.
    inked = filter(None, (font.getmask(character).getbbox() for character in CHARACTERS))
    extent = max([bottom - top, *(right - left for left, _, right, _ in inked)])
    if extent <= 0:
        raise ValueError(f"{path} draws nothing.")
    font, top, bottom = load(max(int(side * side * FILL / extent), 1))
    baseline = (side - (bottom - top)) / 2 - top
    pictures = np.zeros((len(CHARACTERS), size, size), "uint8")
    for picture, character in zip(pictures, CHARACTERS, strict=True):
        canvas = Image.new("L", (2 * side, side))
        ImageDraw.Draw(canvas).text((side / 2, baseline), character, font=font, fill=255, anchor="ls")
        if box := canvas.getbbox():
            left = (box[0] + box[2] - side) // 2
            picture[:] = canvas.crop((left, 0, left + side, side)).reduce(OVERSAMPLING)
    return pictures


def choose(paths):
    """Selects the fonts that contain every letter and digit, without near-duplicates.

    A font is dropped if it cannot be read; if it lacks characters, so that images are blank or equal ("tofu", the box
    for missing characters); if a classifier trained on the other families recognises less than 60% of its characters
    (symbols, other scripts, capitals instead of small letters, very ornate fonts), unless there are fewer than 20
    families to train on; or if its root mean square difference from a selected font is less than 3%.

    Families are in the same `group` if their names begin with the same word, or if they have faces that look alike.

    Args:
        paths: Font files.

    Returns:
        A list of the selected fonts in an order that depends only on their contents, each a dictionary of `path`,
        `file` (its name), `family`, `style`, `sha256` and `group`; and a dictionary from the reasons for dropping to
        the numbers of fonts.
    """
    dropped: Counter = Counter()
    faces: dict[str, dict] = {}
    for path in paths:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha256 in faces:
            dropped["copy"] += 1
            continue
        face = _read(path)
        if isinstance(face, str):
            dropped[face] += 1
        else:
            faces[sha256] = {**face, "sha256": sha256}
    # Sorted by contents, so that the order does not depend on paths and any part of it contains many families.
    chosen = [faces[sha256] for sha256 in sorted(faces)]
    if not chosen:
        return [], dict(dropped)

    distances = _distances(np.stack([face["glyphs"] for face in chosen]))
    for face, group in zip(chosen, _groups([face["family"] for face in chosen], distances), strict=True):
        face["group"] = group
    legible = legibility([face["glyphs"] for face in chosen], [face["group"] for face in chosen]) >= LEGIBILITY
    dropped["illegible"] = int((~legible).sum())
    kept: list[int] = []
    for index in np.flatnonzero(legible).tolist():
        if all(distances[index, other] >= NEAR_DUPLICATE for other in kept):
            kept.append(index)
        else:
            dropped["near duplicate"] += 1
    fields = ("path", "file", "family", "style", "sha256", "group")
    return [{field: chosen[index][field] for field in fields} for index in kept], dict(dropped)


def legibility(faces, groups):
    """Returns the accuracy on each face of a classifier that is trained on the faces of other groups.

    The classifier takes each character stretched to 16x16 pixels, with its position and extent. It is a ridge
    regression on 1000 random ReLU features, in five folds of groups.

    Args:
        faces: Arrays returned by `draw_face` with 32 pixels.
        groups: Name of the group of each face.

    Returns:
        The fraction of recognised characters of each face; all 1 if there are fewer than 20 groups.
    """
    if len(set(groups)) < FEWEST_FAMILIES:
        return np.ones(len(faces))
    inputs = np.stack([[_stretched(glyph) for glyph in face] for face in faces])
    inputs -= inputs.mean(axis=(0, 1))
    rng = np.random.RandomState(0)
    weights = rng.normal(0, 0.25, (inputs.shape[-1], 1000)).astype("float32")
    features = np.maximum(inputs @ weights + rng.uniform(-0.5, 0.5, 1000).astype("float32"), 0)
    features = np.concatenate([features, np.ones_like(features[..., :1])], axis=-1)

    folds = np.array([zlib.crc32(group.encode()) % 5 for group in groups])
    moments = []
    for fold in range(5):
        part = features[folds == fold]
        flat = part.reshape(-1, part.shape[-1])
        # With one-hot targets, features times targets are the sums of each class.
        moments.append((flat.T @ flat, part.sum(axis=0).T))
    recognised = np.empty(len(faces))
    for fold in range(5):
        gram, sums = (sum(moment[part] for k, moment in enumerate(moments) if k != fold) for part in (0, 1))
        solution = np.linalg.solve(gram + 30 * np.eye(len(gram), dtype="float32"), sums)
        guesses = (features[folds == fold] @ solution).argmax(axis=-1)
        recognised[folds == fold] = (guesses == np.arange(len(CHARACTERS))).mean(axis=1)
    return recognised


def _read(path):
    """Returns a font's names and images, or the reason why it is dropped."""
    from PIL import ImageFont

    try:
        family, style = ImageFont.truetype(str(path), SIZE).getname()
        glyphs = draw_face(path, SIZE)
    except (OSError, ValueError):
        return "unreadable"
    blank = (glyphs > 127).sum(axis=(1, 2)).min() < FEWEST_INKED
    different = len({glyph.tobytes() for glyph in glyphs})
    if blank or different < FEWEST_DIFFERENT:
        return "without all characters"
    return {
        "path": str(path),
        "file": path.name,
        "family": family or path.stem,
        "style": (style or "").strip(),
        "glyphs": glyphs,
    }


def _stretched(glyph):
    from PIL import Image

    inked = glyph > 40
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    picture = Image.fromarray(glyph).resize((16, 16), Image.Resampling.BILINEAR, box=box)
    extent = np.array([box[2] - box[0], box[3] - box[1], box[1], box[3]], "float32")
    # With a factor of three, the extent counts as much as a few pixels.
    return np.concatenate([np.asarray(picture, "float32").ravel() / 255, extent * np.float32(3 / SIZE)])


def _distances(glyphs):
    """Returns the root mean square differences between faces, relative to the full range."""
    # In float32 the differences would depend on the processor by 0.001, and so would the selection.
    flat = glyphs.reshape(len(glyphs), -1).astype("float64") / 255
    squares = np.square(flat).sum(axis=1)
    mean_squares = (squares[:, None] + squares - 2 * flat @ flat.T) / flat.shape[1]
    return np.sqrt(np.maximum(mean_squares, 0))


def _groups(families, distances):
    """Returns the name of each face's group: the alphabetically first of the first words of its families."""
    words = [family.replace("-", " ").replace("_", " ").casefold().split()[0] for family in families]
    group = {word: word for word in words}

    def root(word):
        while group[word] != word:
            word = group[word]
        return word

    for one, other in np.argwhere(np.triu(distances < LOOKALIKE, 1)):
        first, second = sorted((root(words[one]), root(words[other])))
        group[second] = first
    return [root(word) for word in words]
