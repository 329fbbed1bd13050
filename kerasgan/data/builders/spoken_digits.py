"""Spoken digits, synthesised by eSpeak NG in many voices."""

import shutil
import struct
import subprocess

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import Audio, ClassLabel, Tensor
from kerasgan.data.builders.packages import INSTALL, installed, packages_folder
from kerasgan.data.builders.sound import RATE, at_16_khz, sheet

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PEAK = 26214  # 0.8 of full scale
ACCENTS = (
    "en-us",
    "en-us-nyc",
    "en-gb",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-029",
)
# eSpeak NG's voice variants without robots, whispers, effects and second versions of a speaker.
WOMEN = (
    *("Alicia", "Andrea", "Annie", "anika", "aunty", "belinda", "f1", "f2", "f3", "f4", "f5", "grandma", "linda"),
    *("shelby", "steph"),
)
MEN = (
    *("Alex", "Andy", "Denis", "Diogo", "Gene", "Henrique", "Hugo", "Lee", "Mario", "Michael", "Mike", "Nguyen"),
    *("adam", "antonio", "benjamin", "boris", "david", "ed", "edward", "grandpa", "gustave", "iven2", "john"),
    *("kaukovalta", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo", "max", "michel", "miguel", "norbert"),
    *("pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "travis", "victor", "zac"),
)
VOICES = WOMEN + MEN
TEST_VOICES = VOICES[2::5]
TRAIN_VOICES = tuple(voice for voice in VOICES if voice not in TEST_VOICES)


class SpokenDigits(ProceduralDataset):
    """The words "zero" to "nine", spoken by eSpeak NG: clips of one second, 16 kHz, 16 bits.

    The dataset is a substitute for SC09, the digits of Speech Commands on which WaveGAN was trained (Donahue, McAuley &
    Puckette 2019, arXiv:1802.04208). eSpeak NG is a formant synthesiser: its speech is clear and clean, and its voices
    differ less than those of people.

    A word is spoken in one of 62 voices with one of 8 accents, at a random pitch and speed. Silence before and after it
    is removed, its peak is scaled to 0.8 of full scale, and it is placed at a random position of the second. Every word
    fits.

    Factors: `label`, the word; `voice` and `accent`, named as in eSpeak NG; `pitch`, on eSpeak NG's scale from 0 to 99
    on which 50 is the voice's own pitch, uniform in 30 to 70; `speed`, in words per minute, uniform in 140 to 210;
    `start` and `stop`, the samples at which the word begins and ends.

    The splits have no voice in common: there are 50 voices in the training split and 12 in the test split. The metadata
    contain the version of eSpeak NG, because another version can sound different.

    Raises:
        FileNotFoundError: If eSpeak NG is not installed. The message says how to install it.
    """

    name = "spoken_digits"
    version = "1.0.0"
    source = "eSpeak NG (Debian package espeak-ng)"
    description = (
        "The words zero to nine in clips of one second, 16 kHz, spoken by eSpeak NG in 62 voices and 8 accents at "
        "different pitches and speeds; the splits have no voice in common."
    )
    license = "CC0 1.0 (made by the package; eSpeak NG's GPL does not extend to what it says)"
    homepage = "https://github.com/espeak-ng/espeak-ng"
    sample = "audio"
    sheet_count = 36
    counts = {"train": 4000, "test": 1000}
    features = {
        "audio": Audio(RATE, RATE, doc="the word, with silence before and after it"),
        "label": ClassLabel(WORDS, doc="the word"),
        "voice": ClassLabel(VOICES, doc="eSpeak NG's voice variant"),
        "accent": ClassLabel(ACCENTS, doc="eSpeak NG's language"),
        "pitch": Tensor((), "int64", doc="eSpeak NG's scale, 30 to 70, 50 is the voice's own"),
        "speed": Tensor((), "int64", doc="words per minute, 140 to 210"),
        "start": Tensor((), "int64", doc="first sample of the word"),
        "stop": Tensor((), "int64", doc="sample after the last one of the word"),
    }

    def requires(self):
        if _program() is not None:
            return None
        return (
            f"spoken_digits needs the program espeak-ng, which is neither in the PATH nor below {packages_folder()}; "
            f"install the Debian package espeak-ng: apt-get install espeak-ng, or run {INSTALL}."
        )

    def metadata(self):
        if _program() is None:
            return {}
        # "eSpeak NG text-to-speech: 1.51  Data at: /usr/..."
        answer = subprocess.run([_program(), "--version"], capture_output=True, check=True, text=True).stdout
        return {"espeak-ng": answer.split("Data at")[0].split(":")[-1].strip()}

    def example(self, rng, split, index):
        label, accent = int(rng.integers(len(WORDS))), int(rng.integers(len(ACCENTS)))
        voices = TRAIN_VOICES if split == "train" else TEST_VOICES
        voice = voices[rng.integers(len(voices))]
        pitch, speed = int(rng.integers(30, 71)), int(rng.integers(140, 211))
        word = speak(WORDS[label], f"{ACCENTS[accent]}+{voice}", pitch, speed)
        start = int(rng.integers(RATE - len(word) + 1))
        audio = np.zeros(RATE, "int16")
        audio[start : start + len(word)] = word
        return {
            "audio": audio,
            "label": label,
            "voice": VOICES.index(voice),
            "accent": accent,
            "pitch": pitch,
            "speed": speed,
            "start": start,
            "stop": start + len(word),
        }

    def sheet(self, arrays):
        """Draws spectrograms (time to the right, 0 to 8 kHz up, 60 dB range) above the word and the voice."""
        rows = zip(arrays["label"], arrays["voice"], strict=True)
        return sheet(arrays["audio"], [f"{WORDS[label]}, {VOICES[voice]}" for label, voice in rows])


def speak(text, voice, pitch, speed):
    """Speaks a text.

    Args:
        text: English text.
        voice: eSpeak NG's language and voice variant, such as "en-us+f3".
        pitch: Pitch from 0 to 99.
        speed: Words per minute.

    Returns:
        An int16 array, 16 kHz, without silence at its ends and with its peak at 0.8 of full scale.

    Raises:
        RuntimeError: If eSpeak NG produces no sound.
    """
    command = [_program(), "--stdout", "-v", voice, "-p", str(pitch), "-s", str(speed), text]
    reply = subprocess.run(command, capture_output=True)
    if reply.returncode or b"data" not in reply.stdout:
        raise RuntimeError(f"{' '.join(map(str, command))} failed; expected sound: {reply.stderr.decode().strip()}")
    # A WAV file without a length in its header, because it is written to a pipe.
    (rate,) = struct.unpack("<I", reply.stdout[24:28])
    sound = np.frombuffer(reply.stdout[reply.stdout.index(b"data") + 8 :], "<i2").astype("float64")
    sound = at_16_khz(sound, rate)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1] + 1]
    return np.rint(sound * (PEAK / np.abs(sound).max())).astype("int16")


def _program():
    """Returns the espeak-ng of the unpacked packages or of the system, or None."""
    unpacked = installed("bin/espeak-ng")
    return str(unpacked[0]) if unpacked else shutil.which("espeak-ng")
