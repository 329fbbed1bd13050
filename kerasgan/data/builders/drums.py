"""Single hits of drums and percussion, recorded or made with synthesisers."""

import hashlib
import re

import numpy as np

from kerasgan.data.builders import sound
from kerasgan.data.builders.base import PackagedDataset, shuffled
from kerasgan.data.builders.features import Audio, ClassLabel, Text
from kerasgan.data.builders.packages import Package, import_module

RATE = 16000
PEAK = 26214  # 0.8 of full scale
HYDROGEN = Package("hydrogen-drumkits", "2017.09.19~dfsg-1", "usr/share/hydrogen/data/drumkits")
SONIC_PI = Package("sonic-pi-samples", "3.2.2~repack-8", "usr/share/sonic-pi/samples")
SONIC = "Sonic Pi"
# The kits and their licences, as /usr/share/doc/*/copyright and the kits' own files state them.
KITS = {
    "Audiophob": "CC0 1.0",
    "BJA_Pacific": "CC BY-SA 3.0 US",
    "ColomboAcousticDrumkit": "GPL-2+ with an exception for compositions",
    "ElectricEmpireKit": "GPL-2+",
    "ForzeeStereo": "GPL-2",
    "Gimme A Hand 1.0": "GPL",
    "HardElectro1": "GPL-2+",
    "Millo-Drums_v.1": "GPL-2",
    "Millo_MultiLayered2": "GPL-2",
    "Millo_MultiLayered3": "GPL-2",
    "The Black Pearl 1.0": "GPL",
    "VariBreaks": "GPL-2+",
    "circAfrique v4": "CC BY-SA 3.0",
    "rumpf_kit_z01_h2": "CC BY 3.0",
    SONIC: "CC0 1.0 for most (/usr/share/doc/sonic-pi-samples/copyright)",
}
TEST_KITS = ("Audiophob", "BJA_Pacific", "HardElectro1", "circAfrique v4")
LABELS = ("kick", "snare", "hi-hat", "cymbal", "tom", "clap", "percussion", "other")
# The first rule that matches a file's name, in lower case, determines its class.
_RULES = (
    ("clap", "clap|snap"),
    ("snare", r"snare|^sn|^sd|^sr_|^rs|rim|side.?stick|stick"),
    ("percussion", "tabla|conga|bongo|cowbell|tamb|shak|perc|block|clave|timba|cabasa|maraca|triang|djem|agogo|guiro"),
    ("percussion", "rattle|vibra|cajon|udu|dunun|kenken|sangban|^cb|_cb|^bl_|logdrum|splash_hand"),
    ("cymbal", "crash|ride|cymb(?!al_(?:open|closed|pedal))|china|splash|gong|^cc_|^rc_|^rd|paiste"),
    ("hi-hat", "hi.?hat|^h[ho]|hat|cymbal_(?:open|closed|pedal)"),
    ("tom", r"tom|floor|^ft_|^t[12]_|^tm"),
    ("kick", r"kick|bass.?drum|^bd|_bd|drum_bass|^k[0-9_]|kik"),
)
# The drums among Sonic Pi's samples; the others are loops, voices, guitars and the like.
_SONIC_DRUMS = re.compile("(?:bd|drum|sn|tabla|perc|hat|ride|elec)_.*")


class Drums(PackagedDataset):
    """Single drum hits, one second at 16 kHz, 16 bits, from the drum kits of Hydrogen and Sonic Pi.

    Stereo channels are summed, silence before the hit is removed, the loudest sample is scaled to 0.8 of full scale,
    and sounds longer than a second fade out in their last 20 ms. Files that are equal after this processing occur only
    once.

    Factors: `label`, the kind of drum according to the file's name, or "other"; `kit`; `licence` of the kit.

    Splits: by kit; four of the fifteen are for testing.

    Raises:
        FileNotFoundError: If the Debian packages or soundfile are not installed; the message says how to get them.
    """

    name = "drums"
    version = "1.0.0"
    description = (
        "Single hits of drums and percussion of 15 kits, one second at 16 kHz; the splits have no kit in common."
    )
    license = "each kit's, in the feature `licence`: GPL-2+, CC BY 3.0, CC BY-SA 3.0, CC0 1.0"
    homepage = "http://hydrogen-music.org"
    source = "Debian packages hydrogen-drumkits and sonic-pi-samples"
    packages = (HYDROGEN, SONIC_PI)
    modules = ("soundfile",)
    sample = "audio"
    alone = True
    sheet_count = 48
    features = {
        "audio": Audio(RATE, RATE, doc="the hit, from its beginning"),
        "label": ClassLabel(LABELS, doc="kind of drum"),
        "kit": ClassLabel(tuple(KITS), doc="drum kit"),
        "licence": Text(doc="licence of the kit"),
    }

    def listed(self):
        split: dict[str, list] = {"train": [], "test": []}
        seen = set()
        for kit in KITS:
            folder = SONIC_PI.place() if kit == SONIC else HYDROGEN.place() / kit
            for path in sorted(folder.glob("*")):
                if path.suffix not in (".wav", ".flac", ".aiff"):
                    continue
                if kit == SONIC and not _SONIC_DRUMS.match(path.name):
                    continue
                audio = hit(*_read(path))
                digest = None if audio is None else hashlib.sha256(audio).digest()
                if audio is not None and digest not in seen:
                    seen.add(digest)
                    split["test" if kit in TEST_KITS else "train"].append((f"{kit}/{path.name}", audio))
        return {name: shuffled(part, key=lambda item: item[0]) for name, part in split.items()}

    def example(self, rng, split, index):
        file, audio = self.items[split][index]
        kit, _, name = file.partition("/")
        return {
            "audio": audio,
            "label": np.int64(LABELS.index(kind(name))),
            "kit": np.int64(list(KITS).index(kit)),
            "licence": KITS[kit],
        }

    def sheet(self, arrays):
        """Spectrograms in the order of the classes."""
        order = np.argsort(arrays["label"], kind="stable")
        captions = [f"{LABELS[arrays['label'][i]]}, {list(KITS)[arrays['kit'][i]]}"[:20] for i in order]
        return sound.sheet(arrays["audio"][order], captions)


def kind(name):
    """The kind of drum according to a file's name."""
    return next((label for label, rule in _RULES if re.search(rule, name.lower())), "other")


def hit(samples, rate):
    """Converts a recording to a hit of one second, from the start of the sound.

    Args:
        samples: float64 array of shape (length, channels).
        rate: Number of samples per second.

    Returns:
        An int16 array of shape (16000,), or None if there is no sound.
    """
    one = sound.at_16_khz(samples[: 4 * rate].mean(axis=1), rate)
    largest = np.abs(one).max(initial=0.0)
    if largest < 1e-4:
        return None
    start = max(0, int(np.argmax(np.abs(one) > 0.02 * largest)) - 16)
    one = one[start : start + RATE]
    fade = RATE // 50
    if len(one) == RATE:
        one = np.concatenate([one[:-fade], one[-fade:] * np.linspace(1, 0, fade)])
    one = np.pad(one, (0, RATE - len(one)))
    return np.rint(one * (PEAK / np.abs(one).max())).astype("int16")


def _read(path):
    soundfile = import_module("soundfile")
    return soundfile.read(path, dtype="float64", always_2d=True)
