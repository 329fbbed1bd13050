"""`kerasgan quickstart`: what it sees in pictures, what it chooses, and whole runs of minutes that last a moment."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from kerasgan import load
from kerasgan.callbacks import Interrupted, held_out, read_best
from kerasgan.commands.main import main
from kerasgan.data.load import source
from kerasgan.studies import choice, look, quickstart
from kerasgan.studies.choice import Facts, choose, held_out_of, image_size_of, refusal

MANY = 20_000


def pictures(folder, count, size=16, seed=0, mode="RGB"):
    """Pictures of smooth noise, no two of them alike."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        coarse = random.integers(0, 256, (4, 4, 3), dtype="uint8")
        image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BILINEAR).convert(mode)
        image.save(folder / f"{number:03d}.png")


# The decisions: facts in, plan out ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts, family, size, labels, recipe",
    [
        (Facts(300, 128), "fastgan", 64, False, None),
        (Facts(300, 128, minutes=5.0), "fastgan", 32, False, None),
        (Facts(300, 40), "fastgan", 32, False, None),
        (Facts(300, 20), "dcgan", 16, False, None),
        (Facts(MANY, 128), "dcgan", 64, False, None),
        (Facts(2000, 128, {"a": 1000, "b": 1000}), "dcgan", 64, True, None),
        (Facts(150, 128, {"a": 100, "b": 50}), "dcgan", 64, True, None),
        (Facts(150, 128, {"a": 101, "b": 49}), "fastgan", 64, False, None),
        (Facts(150, 128, {"a": 150}), "fastgan", 64, False, None),
        (Facts(300, 512, device="gpu"), "fastgan", 128, False, None),
        (Facts(MANY, 512, device="gpu"), "stylegan2", 128, False, "auto"),
        (Facts(MANY, 512, device="gpu", minutes=600.0), "stylegan2", 256, False, "auto"),
        (Facts(300, 512, {"a": 150, "b": 150}, device="gpu"), "stylegan2", 128, True, "auto"),
        (Facts(MANY, 8, image_sizes=range(8, 129, 4)), "dcgan", 16, False, None),
        (Facts(300, 128, image_sizes=range(32, 33)), "fastgan", 32, False, None),
    ],
)
def test_family_and_size_follow_from_the_facts(facts, family, size, labels, recipe):
    plan = choose(facts)
    assert (plan.family, plan.image_size, plan.labels, plan.recipe) == (family, size, labels, recipe)
    assert {each.name for each in plan.choices} >= {"family", "image size", "classes", "mirroring", "batch size"}


def test_what_was_asked_for_is_what_is_planned():
    facts = Facts(300, 128, {"a": 150, "b": 150})
    assert choose(facts, "StyleGAN2").settings["views"] == "ada" and choose(facts, "StyleGAN2").recipe == "small"
    assert choose(facts, image_size=24).image_size == 24
    assert not choose(facts, "fastgan").labels and not choose(facts, conditional=False).labels
    assert choose(facts, conditional=False).family == "fastgan"
    assert choose(facts).flip and not choose(facts, mirror=False).flip
    assert choose(facts, "sngan").settings == {"views": "diffaugment"}


def test_what_differs_with_number_and_direction_of_the_pictures():
    assert choose(Facts(4999, 64)).settings["views"] == "diffaugment"
    assert "views" not in choose(Facts(5000, 64)).settings
    assert choose(Facts(5000, 64)).batch_size == 64 and choose(Facts(1999, 64), "dcgan").batch_size == 32
    assert choose(Facts(14_999, 64), "stylegan2").settings["views"] == "ada"
    assert "views" not in choose(Facts(15_000, 64), "stylegan2").settings  # 30,000 with mirrored copies
    assert not choose(Facts(300, 64, asymmetry=0.05)).flip
    assert choose(Facts(300, 64, device="gpu")).settings == {"width": 64}
    assert choose(Facts(300, 64, device="cpu")).settings == {"width": 8}
    assert choose(Facts(20, 64), "dcgan").batch_size == 30  # 15 pictures and their mirror images


def test_a_tenth_is_held_out():
    assert [held_out_of(count) for count in (8, 50, 80, 100, 500, MANY)] == [2, 12, 20, 20, 50, 1000]


def test_sizes_that_the_data_can_have():
    assert image_size_of(100, image_sizes=range(8, 41, 4)) == 32
    assert image_size_of(8, image_sizes=range(64, 129, 4)) == 64


def test_the_command_holds_all_of_the_plan():
    facts = Facts(300, 128, {"a": 150, "b": 150})
    words = choose(facts).command("my pictures", "--seed", 3)
    assert words[:4] == ["train", "dcgan", "--data", "my pictures"] and words[-2:] == ["--seed", "3"]
    assert {"--labels", "--flip", "conditioning=projection", "views=diffaugment", "width=32"} <= set(words)


def test_what_is_refused():
    assert refusal(Facts(50, 16)) is None
    assert "--force" in refusal(Facts(49, 16)) and refusal(Facts(49, 16), force=True) is None
    assert "expected 16" in refusal(Facts(MANY, 15)) and refusal(Facts(MANY, 15), force=True)


# What is seen in pictures ---------------------------------------------------------------------------------------------


def test_a_survey_of_a_folder(tmp_path):
    pictures(tmp_path / "a", 3, 20)
    pictures(tmp_path / "b", 4, 40, seed=1)
    (tmp_path / "b" / "broken.png").write_bytes(b"nothing")
    Image.new("RGBA", (30, 50)).save(tmp_path / "b" / "clear.png")
    seen = look.survey(tmp_path)
    assert (seen.count, seen.side, seen.classes) == (8, 35, {"a": 3, "b": 5})
    assert (seen.smallest, seen.largest, seen.grey, seen.transparent) == ((20, 20), (50, 30), False, 1)
    assert len(seen.broken) == 1 and "broken.png" in seen.broken[0]


def test_copies_and_near_duplicates(tmp_path):
    pictures(tmp_path, 30, 32)
    first = np.asarray(Image.open(tmp_path / "000.png")).astype(int)
    Image.fromarray(first.astype("uint8")).save(tmp_path / "copy.png", compress_level=0)
    Image.fromarray(np.clip(first + 3, 0, 255).astype("uint8")).save(tmp_path / "nearly.png")
    alike = look.likeness(source(tmp_path, image_size=32))
    assert len(alike.unique) == 31 and 30 not in alike.unique
    assert alike.twins.nonzero()[0].tolist() == [0]
    assert alike.near.nonzero()[0].tolist() == [0, 30]  # the first one, and the last of the unique ones
    held = quickstart.Parts(source(tmp_path, image_size=32), alike, seed=0)
    assert not {0, 30, 31} & set(held.held) and not set(held.held) & set(held.trained)
    assert sorted([*held.held, *held.trained]) == alike.unique.tolist()


def test_asymmetry_is_the_common_part_of_the_differences():
    random = np.random.default_rng(0)
    noise = random.standard_normal((4000, 4, 4))
    assert look.asymmetry(noise) < 0.01
    one_way = np.zeros((4, 4))
    one_way[:, 0] = 1.0
    assert look.asymmetry(np.repeat(one_way[None], 5, axis=0)) == pytest.approx(1.0)
    # The difference of x + noise and its mirror image: 8 from x, 2 for each of 16 numbers of noise.
    assert look.asymmetry(noise + one_way) == pytest.approx(8 / (8 + 32), abs=0.02)
    labels = np.arange(4000) % 2
    both = np.where(labels[:, None, None], one_way, one_way[:, ::-1]) + noise
    assert look.asymmetry(both) < 0.01 and look.asymmetry(both, labels) == pytest.approx(0.2, abs=0.02)
    assert look.asymmetry(np.ones((9, 4, 4))) == 0.0


# Whole runs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Tiny networks, and a clock that counts the evaluations: a training has a budget of six rounds of three steps."""

    def tiny(facts, plan):
        settings = {"width": 2, "generator_width": 2, "kernel_size": 4, "latent_dim": 4}
        return dataclasses.replace(plan, batch_size=8, settings=settings), []

    clock = [0.0]
    monkeypatch.setitem(choice.RULES, "dcgan", tiny)
    monkeypatch.setattr(quickstart, "_measured", lambda *_: 20.0)
    monkeypatch.setattr(quickstart, "COMPARED", 32)
    monkeypatch.setattr(quickstart, "ROUNDS", 6)
    monkeypatch.setattr(quickstart, "SHOWN", 4)
    monkeypatch.setattr(held_out.time, "monotonic", lambda: clock[0])
    distance = held_out.HeldOut.distance

    def timed(self):
        clock[0] += 60.0
        return distance(self)

    monkeypatch.setattr(held_out.HeldOut, "distance", timed)
    return clock


def command(folder, out, *more):
    words = ["quickstart", folder, "--family", "dcgan", "--image-size", 16, "--minutes", 6, "--out", out, *more]
    return main([str(word) for word in words])


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("round", "square")):
        pictures(tmp_path / "shapes" / name, 50, 16, seed=number, mode="L")
    return tmp_path / "shapes"


def weights(out):
    model = load(f"{next(out.glob('dcgan_*'))}/")
    return [np.asarray(each) for each in model.ema_generator.get_weights()]


@pytest.mark.slow
def test_a_run_and_one_that_was_interrupted_are_the_same(small, folder, tmp_path, capfd, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert command(folder, whole) == 0
    told = capfd.readouterr().out
    for piece in ("100 pictures", "All 2 classes", "kerasgan play", "--labels", "Next"):
        assert piece in told
    assert {"run.json", "history.csv", "best.npz", "sheet.png", "model.keras", "health.png"} <= {
        path.name for path in whole.iterdir()
    }
    preset = whole / "dcgan_shapes"
    about = json.loads((preset / "metadata.json").read_text())
    best, arrays = read_best(whole / "best.npz")
    history = [float(line.split(",")[-1]) for line in (whole / "history.csv").read_text().splitlines()[1:]]
    assert about["steps"] == best["step"] and best["distance"] == pytest.approx(min(history))
    assert (
        about["data"]["class_names"] == ["round", "square"] and "never trained on" in (preset / "README.md").read_text()
    )
    kept = [arrays[f"generator/{place}"] for place in range(len(arrays)) if f"generator/{place}" in arrays]
    assert all(np.array_equal(one, other) for one, other in zip(kept, weights(whole), strict=True))

    # Interrupted in the third round, after its evaluation but before its checkpoint.
    evaluate, calls = held_out.HeldOut.on_epoch_end, []

    def stopped(self, epoch, logs=None):
        evaluate(self, epoch, logs)
        calls.append(epoch)
        if len(calls) == 3:
            raise Interrupted(15)

    small[0] = 0.0
    with monkeypatch.context() as patch:
        patch.setattr(held_out.HeldOut, "on_epoch_end", stopped)
        assert command(folder, parts) == 75
    assert "--resume" in capfd.readouterr().err
    small[0] = 0.0
    assert command(folder, parts, "--resume") == 0
    assert all(np.array_equal(one, other) for one, other in zip(weights(whole), weights(parts), strict=True))
    assert (parts / "history.csv").read_text().count("\n") == (whole / "history.csv").read_text().count("\n")

    # More minutes go on; the same pictures must be there.
    assert command(folder, whole, "--resume") == 0 and "already" in capfd.readouterr().out
    (folder / "round" / "000.png").unlink()
    assert command(folder, whole, "--resume") == 2
    assert "other pictures" in capfd.readouterr().err


@pytest.mark.slow
def test_the_printed_command_builds_the_same_model(small, folder, tmp_path, capfd):
    assert command(folder, tmp_path / "out", "--dry-run") == 0
    assert not (tmp_path / "out").exists()
    line = next(line for line in capfd.readouterr().out.splitlines() if line.strip().startswith("kerasgan train"))
    words = line.split()[1:]
    assert words[words.index("--kimg") + 1] == "0.144"  # 6 minutes of steps of 8 pictures and 20 s
    assert main([*words, "--out", str(tmp_path / "run"), "--dry-run"]) == 0
    assert "generator_width" in line and "--labels" in line


def test_refusals_in_plain_words(tmp_path, capfd):
    few, empty, tiny = tmp_path / "few", tmp_path / "empty", tmp_path / "tiny"
    pictures(few, 5)
    empty.mkdir()
    pictures(tiny, 60, 8)
    for folder, piece in ((few, "--force"), (empty, "is empty"), (tiny, "expected 16"), (tmp_path / "no", "no folder")):
        assert main(["quickstart", str(folder), "--out", str(tmp_path / "out")]) == 2
        assert piece in capfd.readouterr().err
    assert main(["quickstart", str(tiny), "--family", "pix2pix"]) == 2
    assert "does not generate pictures" in capfd.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine")
    assert main(["quickstart", str(few), "--out", str(tmp_path / "out")]) == 2
    assert "not empty" in capfd.readouterr().err
