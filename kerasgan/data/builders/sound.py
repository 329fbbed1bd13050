"""Helpers of the sound data sets: resampling, and sheets of spectrograms."""

import numpy as np

RATE = 16000


def at_16_khz(sound, rate):
    """Band-limited resampling to 16 kHz: the spectrum is cut off at 8 kHz, or ends where that of the source does.

    Args:
        sound: float64 array of shape (length,).
        rate: Samples a second.

    Returns:
        A float64 array.
    """
    # A multiple of the ratio of the rates in lowest terms, so that the last sample falls on a sample.
    whole = rate // np.gcd(rate, RATE)
    padded = np.pad(sound, (0, -len(sound) % whole))
    length = len(padded) * RATE // rate
    return np.fft.irfft(np.fft.rfft(padded)[: length // 2 + 1], length) * (length / len(padded))


def spectrogram(audio):
    """Draws loudness over time and frequency as a picture.

    Args:
        audio: int16 array of 16000 samples.

    Returns:
        A uint8 array of shape (128, 125): frequencies from 8 kHz down to 0, frames of 1/125 s; 255 is the loudest
        value, 0 is 60 dB below it.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio.astype("float64"), 192), 256)[:16000:128]
    power = np.abs(np.fft.rfft(frames * np.hanning(256)))[:, :128] ** 2
    decibels = 10.0 * np.log10(power / max(power.max(), 1e-12) + 1e-6)
    return np.rint(255.0 * (1.0 + decibels / 60.0)).clip(0, 255).astype("uint8").T[::-1]


def sheet(sounds, captions, columns=None):
    """Draws spectrograms with captions.

    Args:
        sounds: int16 array of shape (count, 16000).
        captions: Caption of each sound.
        columns: Number of pictures in a row; None makes the sheet about square.

    Returns:
        A uint8 array of shape (height, width, 3).
    """
    from PIL import Image, ImageDraw

    from kerasgan.data.prepare import prepare
    from kerasgan.pictures.images import grid

    tiles = []
    for one, caption in zip(sounds, captions, strict=True):
        tile = Image.new("L", (127, 144))
        tile.paste(Image.fromarray(spectrogram(one)), (1, 1))
        draw = ImageDraw.Draw(tile)
        draw.rectangle((0, 0, 126, 129), outline=96)
        draw.text((3, 130), caption, fill=255)
        tiles.append(np.asarray(tile))
    pictures = grid(prepare(np.stack(tiles)), columns=columns)
    return np.broadcast_to(pictures, (*pictures.shape[:2], 3))
