"""Films: sequences of pictures as GIF and MP4 files, or side by side in a PNG file."""

from pathlib import Path

import numpy as np

from kerasgan.pictures.files import replacing
from kerasgan.pictures.images import write_png

ENDINGS = (".gif", ".mp4", ".png")


def check_film(path):
    """Returns the suffix of a film's file.

    Raises:
        ValueError: For an unsupported suffix, or for .mp4 if its encoder is missing.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"`path` is {str(path)!r}; expected a file that ends in {', '.join(ENDINGS)}.")
    if ending == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"`path` is {str(path)!r}; MP4 files need the package imageio-ffmpeg. Install it, or write a GIF."
            ) from error
    return ending


def write_film(path, frames, rate=16):
    """Writes a film.

    Args:
        path: Path of a file that ends in .gif, .mp4 or, for all frames side by side, .png. MP4 needs the package
            imageio-ffmpeg.
        frames: Sequence of uint8 arrays of the same shape (height, width, channels), with 1 or 3 channels.
        rate: Number of frames per second.

    Raises:
        ValueError: For an unsupported suffix, a missing encoder, or no frames.
    """
    ending, frames = check_film(path), list(frames)
    if not frames:
        raise ValueError("`frames` is empty; expected at least one.")
    if ending == ".png":
        write_png(path, np.concatenate(frames, axis=1))
    elif ending == ".gif":
        with replacing(path) as file:
            encode_gif(frames, rate, file)
    else:
        _write_mp4(path, frames, rate)


def encode_gif(frames, rate, file):
    """Writes a film into an open file as a GIF that loops forever.

    Args:
        frames: Frames; see `write_film`.
        rate: Number of frames per second. The format stores the duration of a frame in hundredths of a second.
        file: Binary file, open for writing.
    """
    from PIL import Image

    pictures = [Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame) for frame in frames]
    options = {"save_all": True, "append_images": pictures[1:], "duration": round(1000 / rate), "loop": 0}
    pictures[0].save(file, "GIF", **options)


def _write_mp4(path, frames, rate):
    import imageio_ffmpeg

    height, width = frames[0].shape[:2]
    even = [(0, height % 2), (0, width % 2), (0, 0)]  # the codec requires even sizes
    partial = Path(path).with_name(f".{Path(path).stem}.partial.mp4")
    size = (width + width % 2, height + height % 2)
    writer = imageio_ffmpeg.write_frames(str(partial), size, fps=rate, macro_block_size=2)
    try:
        writer.send(None)
        for frame in frames:
            colours = np.repeat(frame, 3 // frame.shape[-1], axis=-1)
            writer.send(np.ascontiguousarray(np.pad(colours, even)).tobytes())
        writer.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
