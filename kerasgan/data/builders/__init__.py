"""Datasets that are generated locally or come with a package, without downloads."""

from kerasgan.data.builders.aging_faces import AgingFaces
from kerasgan.data.builders.avatars import Avatars
from kerasgan.data.builders.base import LocalDataset, PackagedDataset, ProceduralDataset, tfds_builder
from kerasgan.data.builders.captioned_shapes import CaptionedShapes
from kerasgan.data.builders.digits import Digits
from kerasgan.data.builders.drums import Drums
from kerasgan.data.builders.emoji import Emoji
from kerasgan.data.builders.fashion import Fashion
from kerasgan.data.builders.features import Audio, Characters, ClassLabel, Compressed, Image, Tensor, Text
from kerasgan.data.builders.galaxies import Galaxies
from kerasgan.data.builders.gaussians import Gaussians
from kerasgan.data.builders.glyphs import Glyphs
from kerasgan.data.builders.icons import Icons, Logos
from kerasgan.data.builders.kanji import Kanji
from kerasgan.data.builders.molecules import Molecules
from kerasgan.data.builders.moving_digits import MovingDigits
from kerasgan.data.builders.notes import Notes
from kerasgan.data.builders.oracle_text import OracleText
from kerasgan.data.builders.parts import Parts
from kerasgan.data.builders.photo_patches import PhotoPatches
from kerasgan.data.builders.qm9 import QM9
from kerasgan.data.builders.sensor_keys import SensorKeys
from kerasgan.data.builders.solar_cells import SolarCells
from kerasgan.data.builders.spoken_digits import SpokenDigits
from kerasgan.data.builders.sprites import Sprites
from kerasgan.data.builders.stacked_digits import StackedDigits
from kerasgan.data.builders.striped_animals import StripedAnimals
from kerasgan.data.builders.voxel_furniture import VoxelFurniture
from kerasgan.data.builders.words import Names, Words

DATASETS: dict[str, type[LocalDataset]] = {
    dataset.name: dataset
    for dataset in (
        Fashion,
        Digits,
        StackedDigits,
        Glyphs,
        Sprites,
        CaptionedShapes,
        AgingFaces,
        StripedAnimals,
        SensorKeys,
        PhotoPatches,
        Galaxies,
        SpokenDigits,
        VoxelFurniture,
        MovingDigits,
        Gaussians,
        OracleText,
        Emoji,
        Avatars,
        SolarCells,
        Icons,
        Logos,
        Kanji,
        Drums,
        Notes,
        Parts,
        Molecules,
        QM9,
        Words,
        Names,
    )
}

__all__ = [
    "DATASETS",
    "QM9",
    "AgingFaces",
    "Audio",
    "Avatars",
    "CaptionedShapes",
    "Characters",
    "ClassLabel",
    "Compressed",
    "Digits",
    "Drums",
    "Emoji",
    "Fashion",
    "Galaxies",
    "Gaussians",
    "Glyphs",
    "Icons",
    "Image",
    "Kanji",
    "LocalDataset",
    "Logos",
    "Molecules",
    "MovingDigits",
    "Names",
    "Notes",
    "OracleText",
    "PackagedDataset",
    "Parts",
    "PhotoPatches",
    "ProceduralDataset",
    "SensorKeys",
    "SolarCells",
    "SpokenDigits",
    "Sprites",
    "StackedDigits",
    "StripedAnimals",
    "Tensor",
    "Text",
    "VoxelFurniture",
    "Words",
    "tfds_builder",
]
