"""Writes PNG files with 8 and 16 bits row by row."""

import struct
import zlib

import numpy as np

COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # colour type of the PNG specification by the number of channels


class PNGWriter:
    """Writes a PNG file row by row, with only a few rows in memory. (Pillow does not support 16-bit colours.)

    Args:
        file: Binary file, open for writing.
        width: Width in pixels.
        height: Height in pixels.
        channels: 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha).
        bits: Bits per channel, 8 or 16.
        compression: Compression level of zlib, 0 to 9.
    """

    def __init__(self, file, width, height, channels, bits=8, compression=6):
        if channels not in COLOURS or bits not in (8, 16):
            raise ValueError(f"`channels` is {channels} and `bits` is {bits}; expected 1 to 4, and 8 or 16.")
        self.file, self.shape, self.bits, self.left = file, (width, channels), bits, height
        self.compressor, self.above = zlib.compressobj(compression), np.zeros(width * channels * bits // 8, "uint8")
        file.write(b"\x89PNG\r\n\x1a\n")
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, COLOURS[channels], 0, 0, 0))

    def write(self, rows):
        """Appends rows.

        Args:
            rows: Array of shape (count, width, channels), uint8 or uint16.

        Raises:
            ValueError: If the rows have another shape or dtype, or if there are too many.
        """
        if rows.shape[1:] != self.shape or rows.dtype.itemsize * 8 != self.bits or len(rows) > self.left:
            raise ValueError(
                f"`rows` has shape {rows.shape} and dtype {rows.dtype}; expected (up to {self.left}, "
                f"{self.shape[0]}, {self.shape[1]}) and uint{self.bits}."
            )
        if not len(rows):
            return
        big = np.ascontiguousarray(rows.astype(f">u{self.bits // 8}")).view("uint8").reshape(len(rows), -1)
        filtered = np.empty((len(rows), 1 + big.shape[1]), "uint8")
        filtered[:, 0] = 2  # each row is stored as the difference from the row above
        filtered[0, 1:] = big[0] - self.above
        filtered[1:, 1:] = big[1:] - big[:-1]
        self.above = big[-1].copy()
        self.left -= len(rows)
        self._chunk(b"IDAT", self.compressor.compress(filtered.tobytes()))

    def close(self):
        """Completes the file.

        Raises:
            ValueError: If rows are missing.
        """
        if self.left:
            raise ValueError(f"{self.left} rows are missing.")
        self._chunk(b"IDAT", self.compressor.flush())
        self._chunk(b"IEND", b"")

    def _chunk(self, name, content):
        if content or name == b"IEND":
            self.file.write(struct.pack(">I", len(content)) + name + content)
            self.file.write(struct.pack(">I", zlib.crc32(name + content)))
