"""Fonts of this machine: finding them, drawing their letters and digits, and choosing those that show them."""

import hashlib
import string
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
SUFFIXES = (".ttf", ".otf")
SIZE = 32  # of the pictures by which fonts are judged
OVERSAMPLING = 4
FILL = 0.88  # share of the picture's side that the tallest or widest character takes

FEWEST_INKED = 6  # pixels that are at least half inked, of a character that is not blank
FEWEST_DIFFERENT = 58  # of the 62 pictures of a face; those of absent characters are equal
NEAR_DUPLICATE = 0.03  # root mean square difference of two faces, of the full range
LOOKALIKE = 0.085  # the same, for families that must not be divided
LEGIBILITY = 0.6  # share of characters that a classifier recognises which has not seen the family
FEWEST_FAMILIES = 20  # that suffice to train such a classifier


def font_files(folders):
    """All font files below some folders, sorted, links followed, each once."""
    files = {
        path.resolve(): path
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    }
    return sorted(files.values())


def draw_face(path, size):
    """Draws the characters of a font, white on black, centred one by one on a common baseline, at a common scale.

    Args:
        path: Font file.
        size: Side of the pictures in pixels.

    Returns:
        uint8 array of shape (62, size, size), in the order of `CHARACTERS`.

    Raises:
        OSError: Pillow cannot read the font.
        ValueError: The font's characters are empty.
    """
    from PIL import Image, ImageDraw, ImageFont

    side = size * OVERSAMPLING

    def load(pixels):
        # The basic layout is there in every Pillow; letters on their own need no other.
        font = ImageFont.truetype(str(path), pixels, layout_engine=ImageFont.Layout.BASIC)
        heights = np.array([font.getbbox(character, anchor="ls")[1::2] for character in CHARACTERS])
        return font, heights[:, 0].min(), heights[:, 1].max()

    font, top, bottom = load(side)
    # `getbbox` counts the white space beside a character as its width; the box of its ink does not.
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
    """The fonts that show every letter and digit, and nothing twice.

    Dropped are fonts that cannot be read; that lack characters, so that pictures are blank or equal ("tofu", the box
    for what is absent); whose characters a classifier trained on the other families recognises to less than 60 %
    (symbols, other scripts, capitals in place of small letters, the very ornate), unless there are fewer than 20
    families to train on; and that differ from one already chosen by less than 3 % root mean square.

    A family whose name begins with the same word as another's, or with a face that looks like one of the other's, is
    of the same `group`.

    Args:
        paths: Font files.

    Returns:
        A list of the chosen fonts in an order that depends on their contents alone, each a dictionary of `path`,
        `file` (its name), `family`, `style`, `sha256` and `group`; and the number of the fonts dropped by reason.
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
    # By contents, so that the order is the same wherever the fonts are, and any part of it holds many families.
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
    """How well each face is recognised by a classifier trained on the faces of other groups.

    The classifier sees each character stretched to 16x16 pixels, and its place and extent: ridge regression on the
    class from 1000 random rectified features, in five folds of groups.

    Args:
        faces: Arrays of `draw_face` of 32 pixels.
        groups: Name of the group of each face.

    Returns:
        Share of the characters recognised of each face; all 1 if there are fewer than 20 groups.
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
    """A font's names and pictures, or why it is dropped."""
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
    # Three times its share of the picture, the extent weighs as much as a few pixels.
    return np.concatenate([np.asarray(picture, "float32").ravel() / 255, extent * np.float32(3 / SIZE)])


def _distances(glyphs):
    """Root mean square differences between faces, of the full range."""
    # In float32 the differences of large numbers depend on the processor by .001, and so would what is left out.
    flat = glyphs.reshape(len(glyphs), -1).astype("float64") / 255
    squares = np.square(flat).sum(axis=1)
    mean_squares = (squares[:, None] + squares - 2 * flat @ flat.T) / flat.shape[1]
    return np.sqrt(np.maximum(mean_squares, 0))


def _groups(families, distances):
    """Name of each face's group: the first in the alphabet of the first words of its families."""
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
