"""TFRecord files of `tf.train.Example`, read without TensorFlow.

A record is a length (uint64), its masked CRC-32C (uint32), the data, and their CRC. An `Example` is a protocol buffer
`{1: {1: [{1: name, 2: {1: bytes | 2: floats | 3: integers}}]}}`. Only the position of the picture in the file is kept,
not the picture.
"""

import mmap
import struct
from typing import Any

from kerasgan.data.packed import Packed, recognise, renamed
from kerasgan.data.parts import Opened, Part
from kerasgan.data.picture import is_encoded

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
BYTES, FLOATS, INTEGERS = 1, 2, 3  # fields of a Feature


class TFRecords(Packed):
    """TFRecord files of `tf.train.Example`. The arguments are those of `Packed`."""

    def samples(self):
        self.known_classes = _class_names(self.paths[0].parent)
        for path in self.paths:
            with open(path, "rb") as stream:
                if stream.read(2) == b"\x1f\x8b":
                    raise ValueError(f"{path} is compressed; expected uncompressed TFRecords: decompress it (gunzip).")
                if path.stat().st_size:
                    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                        yield from self._of_file(Opened(path), data)

    def _of_file(self, file, data):
        roles, path = None, file.path
        for number, (start, end) in enumerate(records(data, path)):
            try:
                features = dict(example(data, start, end))
            except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
                raise ValueError(f"Record {number} of {path} is not a tf.train.Example ({error}).") from error
            if roles is None:
                encoded = [
                    name
                    for name, (kind, values) in features.items()
                    if kind == BYTES and values and is_encoded(data[values[0][0] : values[0][0] + 12])
                ]
                roles = recognise(list(features), encoded, self.chosen, path)
            image = features.get(roles["image"], (BYTES, []))
            if image[0] != BYTES:
                raise ValueError(f"{roles['image']!r} of {path} holds numbers; expected encoded pictures (PNG, JPEG).")
            part = None
            for place, stop in image[1][:1]:
                part = Part(file, place, stop - place, f"{path.name}/{number}")
            fields = {}
            for name, (kind, values) in features.items():
                first = len(values) == 1 or (values and name == roles["caption"])
                if not first or name == roles["image"]:
                    continue
                value = _text(data[slice(*values[0])]) if kind == BYTES else values[0]
                if value is not None:
                    fields[name] = value
            yield part, renamed(fields, roles)


def _text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _class_names(folder):
    """The class names in the order of the labels, if TFDS has stored them next to the files."""
    path = folder / "label.labels.txt"
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()


def records(data, path):
    """Yields the start and end of the data of each record.

    Args:
        data: Contents of the file.
        path: Path of the file, for messages.

    Raises:
        ValueError: If the file is not a TFRecord file, or if it ends within a record.
    """
    place, number = 0, 0
    while place < len(data):
        head = data[place : place + 12]
        if len(head) < 12 or struct.unpack("<I", head[8:])[0] != masked_crc(head[:8]):
            raise ValueError(f"{path} is not a TFRecord file, or is damaged in record {number}: copy it again.")
        start = place + 12
        end = start + struct.unpack("<Q", head[:8])[0]
        if end + 4 > len(data):
            raise ValueError(f"{path} ends within record {number}; expected a whole file: copy it again.")
        yield start, end
        place, number = end + 4, number + 1


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def masked_crc(data):
    """CRC-32C of bytes, rotated and offset as in TFRecords."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def example(data, start, end):
    """Yields `(name, (kind, values))` for the features of a `tf.train.Example`.

    Args:
        data: Contents of the file.
        start: Start of the example.
        end: End of the example.

    Returns:
        Kinds are `BYTES`, whose values are (start, end), `FLOATS` and `INTEGERS`.
    """
    for field, features in _fields(data, start, end):
        if field != 1:
            continue
        for _, entry in _fields(data, *features):
            parts = dict(_fields(data, *entry))
            name = bytes(data[slice(*parts[1])]).decode()
            kind, values = next(_fields(data, *parts[2]), (BYTES, (0, 0))) if 2 in parts else (BYTES, (0, 0))
            yield name, (kind, list(_values(data, kind, *values)))


def _values(data, kind, start, end):
    for _, value in _fields(data, start, end):
        if kind == BYTES or not isinstance(value, tuple):
            yield _number(kind, value)
        elif kind == FLOATS:  # packed, like the integers
            yield from struct.unpack(f"<{(value[1] - value[0]) // 4}f", data[slice(*value)])
        else:
            place = value[0]
            while place < value[1]:
                number, place = _varint(data, place)
                yield _number(kind, number)


def _number(kind, value):
    if kind == FLOATS and isinstance(value, int):
        return struct.unpack("<f", struct.pack("<I", value))[0]
    return value - 2**64 if kind == INTEGERS and value >= 2**63 else value


def _fields(data, place, end):
    """Yields (number, value) for the fields of a message: an integer, or (start, end) for delimited fields."""
    value: Any
    while place < end:
        key, place = _varint(data, place)
        wire = key & 7
        if wire == DELIMITED:
            size, place = _varint(data, place)
            value, place = (place, place + size), place + size
        elif wire == VARINT:
            value, place = _varint(data, place)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
            value, place = int.from_bytes(data[place : place + size], "little"), place + size
        else:
            raise ValueError(f"wire type {wire}")
        if place > end:
            raise ValueError("a field is longer than its message")
        yield key >> 3, value


def _varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
