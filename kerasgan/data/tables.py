"""Tables with a column of encoded pictures: Parquet files, and Hugging Face `datasets`.

Neither can be read by position, so their encoded pictures are copied once into an unnamed file.
"""

import io
import json
import re
from pathlib import Path

from kerasgan.data.packed import Packed, recognise, renamed, spool
from kerasgan.data.parts import Part

ROWS = 256  # number of rows of a Parquet file to hold in memory
ADDRESS = re.compile(r"hf://(?P<name>[^/@]+(?:/[^/@]+)?)(?:@(?P<revision>[^/]+))?(?:/(?P<config>.+))?")


class Table(Packed):
    """A table with one picture per row. The arguments are those of `Packed`."""

    def rows(self):
        """Yields `(roles, name, {column: value})` for each row."""
        raise NotImplementedError

    def samples(self):
        kept = spool(self.path)
        for roles, name, row in self.rows():
            data = self.encoded(row.get(roles["image"]), name)
            part = None if data is None else Part(kept, kept.append(data), len(data), name)
            values = {key: value for key, value in row.items() if isinstance(value, (bool, int, float, str))}
            if isinstance(caption := row.get(roles["caption"]), list) and caption:
                values[roles["caption"]] = str(caption[0])
            yield part, renamed(values, roles)

    def encoded(self, value, name):
        """The bytes of the picture in a cell: bytes, or `{"bytes": ..., "path": ...}`; None for an empty cell."""
        if isinstance(value, dict):
            if value.get("bytes") is None and value.get("path"):
                return self.from_path(value, name)
            value = value.get("bytes")
        if value is None or isinstance(value, bytes):
            return value
        raise ValueError(
            f"{name} contains a {type(value).__name__} instead of a picture; expected the bytes of a PNG or JPEG file."
        )

    def from_path(self, value, name):
        """The bytes of a picture whose path is in a cell."""
        if not Path(value["path"]).is_file():
            raise ValueError(
                f"{name} refers to the picture {value['path']}, which does not exist; store the file or its bytes."
            )
        return Path(value["path"]).read_bytes()


class ParquetFiles(Table):
    """Parquet files with a column of pictures: bytes, or structs of bytes and path. See `Packed` for the arguments."""

    def rows(self):
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise ValueError(f"{self.path} needs the package pyarrow: pip install 'kerasgan[parquet]'.") from error
        for path in self.paths:
            try:
                file = parquet.ParquetFile(path)
            except (ArrowException, OSError) as error:
                raise ValueError(f"{path} cannot be read as a Parquet file ({error}); copy it again.") from error
            with file:
                names = file.schema_arrow.names
                pictures = [name for name in names if _can_hold_pictures(file.schema_arrow.field(name).type)]
                roles = recognise(names, pictures, self.chosen, path)
                self.known_classes = _class_names(file.schema_arrow.metadata, roles["label"])
                wanted = [name for name in names if name == roles["image"] or name not in pictures]
                for number, row in enumerate(
                    row for batch in file.iter_batches(ROWS, columns=wanted) for row in batch.to_pylist()
                ):
                    yield roles, f"{path.name}/{number}", row

    def from_path(self, value, name):
        return super().from_path({"path": self.paths[0].parent / value["path"]}, name)


def _can_hold_pictures(kind):
    from pyarrow import types

    if types.is_struct(kind):
        return any(kind.field(number).name == "bytes" for number in range(kind.num_fields))
    return types.is_binary(kind) or types.is_large_binary(kind)


def _class_names(metadata, label):
    """The class names in the metadata written by `datasets`."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(features[label].get("names") or ())
    except (KeyError, TypeError, ValueError):
        return ()


class Hub:
    """A data set of the Hugging Face Hub, before it is read.

    Args:
        address: `hf://owner/name[@revision][/config]`.

    Raises:
        ValueError: If the address is invalid, or if `datasets` is not installed.
    """

    def __init__(self, address):
        parts = ADDRESS.fullmatch(address)
        if parts is None:
            raise ValueError(f"{address!r} is not a valid address; expected hf://owner/name[@revision][/config].")
        self.address, self.name = address, parts["name"]
        self.config, self.revision = parts["config"], parts["revision"]
        try:
            import datasets
        except ImportError as error:
            raise ValueError(f"{address} needs the package datasets: pip install 'kerasgan[hf]'.") from error
        self.datasets = datasets

    def call(self, function, *arguments, **options):
        """Calls a function of `datasets`, whose errors have no common type."""
        try:
            return function(self.name, *arguments, revision=self.revision, **options)
        except Exception as error:
            reason = str(error).strip().split("\n")[0]
            raise ValueError(
                f"{self.address} cannot be loaded ({type(error).__name__}: {reason}). Check the owner, name, revision, "
                "config and split, and the network connection. Offline, only data sets in the cache of `datasets` are "
                "available (HF_HUB_OFFLINE=1)."
            ) from error


def hub_splits(address):
    """Names of the splits of `hf://owner/name[@revision][/config]`."""
    hub = Hub(address)
    return list(hub.call(hub.datasets.get_dataset_split_names, hub.config))


class HubDataset(Table):
    """A Hugging Face data set, `hf://owner/name[@revision][/config]`.

    Args:
        address: Address of the data set.
        split: Name of a split; without streaming, also a slice such as "train[:10%]".
        options: The `FolderOptions`.
        columns: See `Packed`.
        count: See `Packed`; with `streaming`, no more than these are downloaded.
        streaming: Whether to read pictures during the download, without a second copy in the cache of `datasets`.
    """

    def __init__(self, address, split, options, columns=None, count=None, streaming=False):
        super().__init__(address, [], options, columns, count)
        self.split, self.streaming, self.hub = split, bool(streaming), Hub(address)

    def identity(self):
        yield from super().identity()
        builder = self.hub.call(self.hub.datasets.load_dataset_builder, self.hub.config)
        yield f"{self.path} {self.split} {builder.hash} {builder.info.version}"

    def rows(self):
        datasets, how = self.hub.datasets, {"split": self.split, "streaming": self.streaming}
        rows = self.hub.call(datasets.load_dataset, self.hub.config, **how)
        features = rows.features or {}
        if not features:
            raise ValueError(f"{self.path} does not declare its columns; use streaming=False.")
        pictures = [name for name, kind in features.items() if _is_picture(kind)]
        roles = recognise(list(features), pictures, self.chosen, self.path)
        self.known_classes = tuple(getattr(features.get(roles["label"]), "names", None) or ())
        if isinstance(features[roles["image"]], datasets.Image):  # as encoded bytes
            rows = rows.cast_column(roles["image"], datasets.Image(decode=False))
        unused = [name for name in pictures if name != roles["image"]]
        rows = rows.remove_columns(unused) if unused else rows
        for number, row in enumerate(rows):
            yield roles, f"{self.path}/{self.split}/{number}", row

    def from_path(self, value, name):
        if Path(value["path"]).is_file():
            return super().from_path(value, name)
        kept = io.BytesIO()  # within an archive, or remote
        self.hub.datasets.Image().decode_example(value).save(kept, "PNG")
        return kept.getvalue()


def _is_picture(kind):
    return type(kind).__name__ == "Image" or getattr(kind, "dtype", None) in ("binary", "large_binary")
