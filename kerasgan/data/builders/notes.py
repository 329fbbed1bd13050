"""Notes of many instruments, played by a sample-based synthesiser."""

import functools

import numpy as np

from kerasgan.data.builders import sound
from kerasgan.data.builders.base import PackagedDataset, shuffled
from kerasgan.data.builders.features import Audio, ClassLabel, Tensor
from kerasgan.data.builders.packages import Package, import_module

RATE = 16000
HELD = 13_600  # number of samples until the key is released
SILENCE = 4096  # number of samples between two notes, in which the first one decays
GAIN = 0.6
FAMILIES = (
    *("piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reed", "pipe"),
    *("synth lead", "synth pad", "synth effects", "ethnic"),
)
PITCHES = range(36, 86, 2)
VELOCITIES = (50, 85, 120)
# The test program among the eight programs of each General MIDI family.
TEST_PROGRAM = 2
_FONTS = {
    "fluid": Package("fluid-soundfont-gm", "3.1-5.3", "usr/share/sounds/sf2/FluidR3_GM.sf2"),
    "timgm": Package("timgm6mb-soundfont", "1.3-5", "usr/share/sounds/sf2/TimGM6mb.sf2"),
}
# By font: instruments that are silent from this key on, or (from 0 on) whose filter becomes unstable.
_ENDS = {"fluid": {43: 58, 58: 74, 67: 74}, "timgm": {39: 0, 67: 80, 78: 80, 94: 0}}


class Notes(PackagedDataset):
    """One-second notes, 16 kHz, 16 bits, of the 112 melodic instruments of General MIDI, similar to NSynth.

    Configs: `"fluid"`, the SoundFont FluidR3 (MIT), and `"timgm"`, TimGM6mb (GPL-2+).

    A key is held for 0.85 s and then released. Every instrument plays 25 pitches, every second key from MIDI 36 (65 Hz)
    to 84 (1047 Hz), each at three velocities; the loudness is that of the instrument. Notes that a font cannot play are
    omitted.

    Factors: `label`, the family of instruments; `program`, the General MIDI number from 0 to 111; `pitch`, the MIDI key
    (69 is 440 Hz); `velocity`, 50, 85 or 120.

    Splits: by instrument; the third of the eight in each family is for testing.

    Raises:
        FileNotFoundError: If the SoundFont or tinysoundfont is not installed; the message says how to get it.
    """

    name = "notes"
    version = "1.0.0"
    description = (
        "Notes of one second at 16 kHz of the 112 melodic instruments of General MIDI, 25 pitches and 3 velocities "
        "each, played from SoundFonts; the splits have no instrument in common."
    )
    homepage = "https://packages.debian.org/bookworm/fluid-soundfont-gm"
    source = "Debian packages fluid-soundfont-gm and timgm6mb-soundfont, played with tinysoundfont"
    modules = ("tinysoundfont",)
    configs = tuple(_FONTS)
    sample = "audio"
    sheet_count = 36
    features = {
        "audio": Audio(RATE, RATE, doc="the note"),
        "label": ClassLabel(FAMILIES, doc="family of instruments"),
        "program": Tensor((), "int64", doc="General MIDI's number of the instrument, 0 to 111"),
        "pitch": Tensor((), "int64", doc="MIDI key, 36 to 84; 69 is 440 Hz"),
        "velocity": Tensor((), "int64", doc="50, 85 or 120"),
    }

    @property
    def license(self):
        return {"fluid": "MIT (Frank Wen and others)", "timgm": "GPL-2+ (Tim Brechbill)"}[self.config]

    @property
    def packages(self):
        return (_FONTS[self.config],)

    def listed(self):
        ends = _ENDS[self.config]
        notes = [
            (program, key, force)
            for program in range(112)
            for key in PITCHES
            for force in VELOCITIES
            if key < ends.get(program, 128)
        ]
        notes = shuffled(notes)
        return {
            "train": [note for note in notes if note[0] % 8 != TEST_PROGRAM],
            "test": [note for note in notes if note[0] % 8 == TEST_PROGRAM],
        }

    def example(self, rng, split, index):
        program, pitch, velocity = self.items[split][index]
        return {
            "audio": played(str(self.packages[0].place()), program, pitch, velocity),
            "label": np.int64(program // 8),
            "program": np.int64(program),
            "pitch": np.int64(pitch),
            "velocity": np.int64(velocity),
        }

    def sheet(self, arrays):
        """Draws spectrograms in the order of the families."""
        order = np.lexsort((arrays["pitch"], arrays["label"]))
        captions = [f"{FAMILIES[arrays['label'][i]]}, {arrays['pitch'][i]}"[:20] for i in order]
        return sound.sheet(arrays["audio"][order], captions)


@functools.lru_cache(maxsize=2)
def _synthesiser(path):
    synthesiser = import_module("tinysoundfont").Synth(samplerate=RATE)
    return synthesiser, synthesiser.sfload(path)


def played(path, program, pitch, velocity):
    """Plays one second of a note.

    Args:
        path: Path of the SoundFont.
        program: General MIDI number of the instrument.
        pitch: MIDI key.
        velocity: MIDI velocity from 1 to 127.

    Returns:
        An int16 array of shape (16000,).
    """
    synthesiser, font = _synthesiser(path)
    synthesiser.program_select(0, font, 0, program)
    synthesiser.noteon(0, pitch, velocity)
    held = bytes(synthesiser.generate(HELD))
    synthesiser.noteoff(0, pitch)
    samples = np.frombuffer(held + bytes(synthesiser.generate(RATE - HELD)), "<f4").reshape(-1, 2).mean(axis=1)
    # Lingering sound would leak into the next note, which must not depend on the previous one.
    synthesiser.sounds_off(0)
    synthesiser.generate(SILENCE)
    return np.rint(samples.astype("float64") * (GAIN * 32767)).clip(-32768, 32767).astype("int16")
