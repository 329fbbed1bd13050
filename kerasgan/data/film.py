"""Reads films: animated pictures."""

import numpy as np

from kerasgan.data.picture import FORMATS, Unreadable


def read_film(path, channels):
    """Reads an animated picture: a GIF, WebP or PNG file.

    Args:
        path: Path of the file.
        channels: 1 for grey frames, 3 for colours. Transparent pixels become black.

    Returns:
        The frames, a uint8 array of shape (frames, height, width, channels), and their number per second, by the
        shortest duration of a frame, or 8 if the file has no durations. Frames that last longer are repeated: files
        store equal frames as one.

    Raises:
        kerasgan.data.picture.Unreadable: If the file is not a picture.
    """
    from PIL import Image, ImageSequence

    frames, durations = [], []
    try:
        with Image.open(path, formats=FORMATS) as film:
            for frame in ImageSequence.Iterator(film):
                durations.append(frame.info.get("duration", 0))
                shown = Image.alpha_composite(Image.new("RGBA", frame.size, "black"), frame.convert("RGBA"))
                levels = np.asarray(shown.convert("L" if channels == 1 else "RGB"))
                frames.append(levels.reshape(*levels.shape[:2], channels))
    except (OSError, SyntaxError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read as a film ({error}).") from error
    shortest = min((each for each in durations if each > 0), default=0)
    times = [max(1, round(each / shortest)) if shortest else 1 for each in durations]
    return np.repeat(np.stack(frames), times, axis=0), 1000 / shortest if shortest else 8.0
