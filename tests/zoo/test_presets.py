"""Presets: what comes back, and all that is refused."""

import json
import os

import h5py
import keras
import numpy as np
import pytest

import kerasgan
from kerasgan import CGAN, DCGAN, CycleGAN, zoo
from kerasgan.commands.main import main
from kerasgan.studies.measure import differences, measure
from kerasgan.studies.verify import OTHER_DATA, measure_again, verify
from kerasgan.zoo import preset as presets


def rewritten(folder, file, content):
    """Changes a file and has the metadata vouch for it, as whoever made the preset could."""
    if isinstance(content, bytes):
        (folder / file).write_bytes(content)
    else:
        (folder / file).write_text(json.dumps(content))
    metadata = json.loads((folder / presets.METADATA).read_text())
    metadata["files"] = presets.entries(folder)
    (folder / presets.METADATA).write_text(json.dumps(metadata))


def config_of(folder):
    return json.loads((folder / presets.CONFIG).read_text())


def test_a_preset_gives_the_averaged_generator_back(model, preset):
    again = kerasgan.load(preset)
    labels = [0, 1, 2, 1]
    np.testing.assert_array_equal(again.sample(4, seed=5, labels=labels), model.sample(4, seed=5, labels=labels))
    np.testing.assert_array_equal(again.sample(4, ema=False), model.sample(4))
    assert type(again) is DCGAN and again.get_config()["width"] == model.get_config()["width"]
    again.compile()  # and can be trained further
    again.fit(np.zeros((8, 8, 8, 1), "float32"), np.arange(8) % 3, batch_size=8, verbose=0)


@pytest.mark.slow
def test_states_of_the_training_are_left_out(tmp_path):
    model = DCGAN((8, 8, 1), latent_dim=4, width=2, seed=0)
    model.compile(batch_size=8, views=("ada",))
    assert model.states and not model.lasting_states
    model.save_preset(tmp_path / "augmented")
    np.testing.assert_array_equal(kerasgan.load(tmp_path / "augmented").sample(4), model.sample(4))


def test_networks_beside_the_generator_are_kept_where_asked_for(model, tmp_path):
    model.save_preset(tmp_path / "both", networks=("generator", "discriminator"))
    again = DCGAN.from_preset(tmp_path / "both")
    for found, expected in zip(again.discriminator.get_weights(), model.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"networks is \['encoder'\]"):
        model.save_preset(tmp_path / "other", networks=("encoder",))


def test_a_translation_model_is_a_preset_too(tmp_path):
    model = CycleGAN((8, 8, 3), width=2, blocks=1, discriminator_depth=1)
    model.save_preset(tmp_path / "cycle")
    x = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
    again = CycleGAN.from_preset(tmp_path / "cycle")
    np.testing.assert_array_equal(again.translate(x), model.translate(x))
    assert not (tmp_path / "cycle" / presets.SAMPLES).exists()


def test_custom_networks_come_back(tmp_path):
    latents = keras.Input((2,), name="latents")
    plain = keras.Model(latents, keras.layers.Dense(2, "tanh", kernel_initializer="he_normal")(latents))
    points = keras.Input((2,), name="images")
    judge = keras.Sequential([points, keras.layers.Dense(1)])
    model = kerasgan.LatentModel((2,), latent_dim=2, generator=plain, discriminator=judge, seed=0)
    model.save_preset(tmp_path / "points")
    np.testing.assert_array_equal(kerasgan.load(tmp_path / "points").sample(3), model.sample(3))


def test_the_folder_says_what_is_in_it(preset):
    metadata = json.loads((preset / presets.METADATA).read_text())
    assert metadata["name"] == "tiny" and metadata["family"] == "DCGAN" and metadata["parameters"] > 0
    assert set(metadata["files"]) == set(presets.FILES)
    card = (preset / presets.CARD).read_text()
    assert card.startswith("---\n") and "library_name: kerasgan" in card and 'kerasgan.load("tiny")' in card
    assert (preset / presets.SAMPLES).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("file", presets.FILES)
def test_one_changed_byte_is_refused(preset, file):
    content = bytearray((preset / file).read_bytes())
    content[len(content) // 2] ^= 1
    (preset / file).write_bytes(content)
    with pytest.raises(ValueError, match=f"{file} is not the file that was published"):
        kerasgan.load(preset)


def test_what_was_cut_off_while_it_was_written_is_no_preset(preset):
    (preset / presets.METADATA).unlink()
    with pytest.raises(ValueError, match="There is no preset"):
        kerasgan.load(preset)


def test_a_preset_takes_the_place_of_another_whole_and_of_nothing_else(preset, model, monkeypatch):
    before = (preset / presets.METADATA).read_bytes()
    monkeypatch.setattr(keras.Model, "save_weights", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save_preset(preset)
    assert (preset / presets.METADATA).read_bytes() == before and kerasgan.load(preset)
    monkeypatch.undo()
    model.save_preset(preset, note="again")
    assert b"again" in (preset / presets.METADATA).read_bytes() and kerasgan.load(preset)
    assert [path.name for path in preset.parent.iterdir()] == ["tiny"]
    (preset / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"do not belong to a preset: thesis\.txt"):
        model.save_preset(preset)


def test_other_families_and_names_are_refused(preset, model, tmp_path):
    with pytest.raises(ValueError, match="is a preset of DCGAN, not of CGAN"):
        CGAN.from_preset(preset)
    with pytest.raises(ValueError, match=r"no preset 'dcgan_nothing'; expected one of .*classifier-digits-v1"):
        kerasgan.load("dcgan_nothing")
    with pytest.raises(ValueError, match="which is not a known family of GANs"):
        kerasgan.load("classifier-digits-v1")
    with pytest.raises(ValueError, match=r"is an address of ftp://"):
        kerasgan.load("ftp://host/zoo/tiny")
    with pytest.raises(ValueError, match="is not a valid preset name"):
        model.save_preset(tmp_path / "My Preset")
    np.testing.assert_array_equal(kerasgan.load(preset.as_uri()).sample(2), model.sample(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class": "kerasgan>Unknown"}, "which is not a known family of GANs"),
        ({"class": "Classifier"}, "which is not a known family"),
        ({"class": None}, "does not name a class"),
        ({"networks": ["encoder"]}, r"lists the networks \['encoder'\]; expected some of"),
        ({"networks": "generator"}, "lists the networks generator"),
        ({"arguments": {"image_shape": [8, 8, 1], "widht": 3}}, "does not create a DCGAN"),
        ({"arguments": {"image_shape": [9, 9, 1]}}, "does not create a DCGAN"),
        ({"more": {"module": "os", "class_name": "system", "config": "true"}}, r"uses os\.system, which"),
        ({"more": [{"module": "keras.layers", "class_name": "Lambda", "config": {}}]}, r"uses keras\.layers\.Lambda"),
        ({"more": {"module": "keras.utils", "class_name": "get_file", "config": {}}}, r"uses keras\.utils\.get_file"),
        ({"more": {"module": "kerasgan_evil", "class_name": "A", "config": {}}}, "uses kerasgan_evil"),
        ({"more": {"module": "keras.layers", "class_name": "__lambda__", "config": {}}}, r"uses keras\.layers\.__l"),
        (
            {"more": {"module": "keras.layers", "class_name": "Dense", "registered_name": "Lambda", "config": {}}},
            r"uses keras\.layers\.Dense",
        ),
    ],
)
def test_configurations_of_other_things_are_refused(preset, change, message):
    rewritten(preset, presets.CONFIG, {**config_of(preset), **change})
    with pytest.raises(ValueError, match=message):
        kerasgan.load(preset)


def test_weights_that_are_not_numbers_of_the_network_are_refused(preset, tmp_path):
    path = preset / presets.WEIGHTS
    good = path.read_bytes()

    def changed(change):
        path.write_bytes(good)
        with h5py.File(path, "a") as file:
            change(file)
        rewritten(preset, presets.WEIGHTS, path.read_bytes())

    def huge(file):  # a few kilobytes that would become gigabytes
        file.create_dataset("huge", shape=(50_000, 50_000), dtype="float32", chunks=(1000, 1000), compression="gzip")

    def linked(file):
        file["elsewhere"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")

    def objects(file):
        file.create_dataset("text", data=["os.system('true')"], dtype=h5py.string_dtype())

    def endless(file):
        file["within"] = file["/"]

    misfit = "it was not made for them"

    def virtual(file):  # numbers of another file
        layout = h5py.VirtualLayout(shape=(3,), dtype="float32")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", shape=(3,))
        file.create_virtual_dataset("elsewhere", layout)

    def diverged(file):
        names = []
        file.visit(lambda name: names.append(name) if isinstance(file[name], h5py.Dataset) else None)
        name = next(name for name in names if "seed_generator" not in name)
        file[name][...] = np.full(file[name].shape, np.nan)

    refused = {endless: "twice, or within", huge: misfit, linked: "contains the link", objects: "expected numbers"}
    refused |= {virtual: "of another file; expected numbers", diverged: "holds NaN or infinity in"}
    for change, message in refused.items():
        changed(change)
        with pytest.raises(ValueError, match=message):
            kerasgan.load(preset)
    rewritten(preset, presets.WEIGHTS, b"\x80\x04\x95 a pickle")
    with pytest.raises(ValueError, match="is not an HDF5 file"):
        kerasgan.load(preset)
    other = DCGAN((8, 8, 1), latent_dim=4, num_classes=3, width=2, kernel_size=4)
    other.save_preset(tmp_path / "smaller")
    rewritten(preset, presets.WEIGHTS, (tmp_path / "smaller" / presets.WEIGHTS).read_bytes())
    with pytest.raises(ValueError, match="it was not made for them"):
        kerasgan.load(preset)

    def partial(file):  # Keras would leave the layer as it was built
        names = []
        file.visit(lambda name: names.append(name) if isinstance(file[name], h5py.Dataset) else None)
        del file[names[0]]

    changed(partial)
    with pytest.raises(ValueError, match="it was not made for them"):
        kerasgan.load(preset)


@pytest.mark.parametrize("declared", [True, False])
def test_a_configuration_of_more_than_its_weights_is_refused_before_it_is_built(preset, declared, monkeypatch):
    config = config_of(preset)
    config["arguments"] |= {"width": 5000, "generator_width": 5000}
    rewritten(preset, presets.CONFIG, config)
    if not declared:
        metadata = json.loads((preset / presets.METADATA).read_text())
        del metadata["parameters"]
        (preset / presets.METADATA).write_text(json.dumps(metadata))

    def made(self, *_, **__):
        raise AssertionError("a variable of it was given its value")

    monkeypatch.setattr(keras.initializers.RandomNormal, "__call__", made)
    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", made)
    message = (
        "creates networks with .* values, but metadata.json declares"
        if declared
        else "it was not made for them|exhaust memory"
    )
    with pytest.raises(ValueError, match=message):
        kerasgan.load(preset)
    with keras.StatelessScope():  # at whose end Keras fills what it was asked to
        pass


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("file", [presets.CARD, presets.CONFIG, presets.METADATA])
def test_files_that_are_none_are_refused_and_not_waited_for(preset, tmp_path, file, kind, capfd):
    (preset / file).rename(tmp_path / file)
    if kind == "link":
        (preset / file).symlink_to(tmp_path / file)
    else:
        os.mkfifo(preset / file)
    assert main(["zoo", "show", str(preset)]) == 2
    out, err = capfd.readouterr()
    assert (out == "" and f"{file} is a {kind}" in err) or "There is no preset" in err


def test_a_card_that_nobody_vouches_for_is_not_shown(preset, tmp_path, capfd):
    metadata = json.loads((preset / presets.METADATA).read_text())
    del metadata["files"][presets.CARD]
    (preset / presets.METADATA).write_text(json.dumps(metadata))
    assert main(["zoo", "show", str(preset)]) == 2
    assert "has no card" in capfd.readouterr().err


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'dcgan_digits'"):
        kerasgan.load("dcgan_digit")


def test_metadata_that_lie_about_the_files_are_refused(preset):
    metadata = json.loads((preset / presets.METADATA).read_text())
    whole = metadata["files"]
    for files, message in (
        ({**whole, "../../other": {"bytes": 3, "sha256": "0"}}, "is not a file of a preset"),
        ({**whole, presets.WEIGHTS: {"bytes": 10**12, "sha256": whole[presets.WEIGHTS]["sha256"]}}, "at most"),
        ({presets.CONFIG: whole[presets.CONFIG]}, "does not list model.weights.h5"),
    ):
        (preset / presets.METADATA).write_text(json.dumps({**metadata, "files": files}))
        with pytest.raises(ValueError, match=message):
            kerasgan.load(preset)
    (preset / presets.METADATA).write_text(json.dumps({**metadata, "format": 2}))
    with pytest.raises(ValueError, match="made for another version of kerasgan"):
        kerasgan.load(preset)


def test_another_root_by_the_environment(preset, model, monkeypatch):
    monkeypatch.setenv("KERASGAN_ZOO", str(preset.parent))
    np.testing.assert_array_equal(kerasgan.load("tiny").sample(2), model.sample(2))
    assert zoo.names() == presets.names(presets.ROOT)
    with pytest.raises(ValueError, match="expected one of tiny"):
        kerasgan.load("other")


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_run_in_bfloat16_is_measured_as_it_is_loaded_and_measured_again(tmp_path):
    run, folder = str(tmp_path / "run"), tmp_path / "small"
    small = ["--set", "width=4", "batch_size=64", "--precision", "mixed_bfloat16", "--epochs", "1"]
    assert main(["train", "dcgan", "--data", "digits", *small, "--out", run, "--preset-out", str(folder)]) == 0
    before = json.loads((folder / presets.METADATA).read_text())
    assert before["precision"] == "mixed_bfloat16" and verify(folder) == []
    assert {layer.compute_dtype for layer in kerasgan.load(folder).generator.layers} == {"float32"}

    other = {**before["evaluation"], "sha256": "0" * 64}
    (folder / presets.METADATA).write_text(json.dumps({**before, "evaluation": other}))
    assert verify(folder) == []  # other bytes, as of another processor's rounding, but the same scores
    other["scores"] = {score: {**entry, "ours": 0.1 + entry["ours"]} for score, entry in other["scores"].items()}
    (folder / presets.METADATA).write_text(json.dumps({**before, "evaluation": other}))
    assert "digits cannot be measured on this machine" in verify(folder)[0] and "images differ" in verify(folder)[0]
    (folder / presets.METADATA).write_text(json.dumps({**before, "evaluation": {**other, "count": 10**6}}))
    assert "digits cannot be measured on this machine" in verify(folder)[0]
    (folder / presets.METADATA).write_text(json.dumps({**before, "evaluation": other}))
    measure_again(folder)
    assert json.loads((folder / presets.METADATA).read_text()) == before and verify(folder) == []


def test_both_directions_of_a_translator_are_measured(monkeypatch):
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 12, 16, 16, 3)).astype("float32")
    monkeypatch.setattr("kerasgan.studies.measure.load", lambda *_, **__: (x, y))
    model = CycleGAN((16, 16, 3), width=2, blocks=1, discriminator_depth=1)
    found = measure(model, "pairs")
    for pairs, suffix, to in (((x, y), "", "y"), ((y, x), "_back", "x")):
        source, target = pairs
        error = found["scores"][f"mean_absolute_error{suffix}"]
        assert error["ours"] == pytest.approx(np.abs(model.translate(source, to) - target).mean(), rel=1e-6)
        assert error["control"] == pytest.approx(np.abs(source - target).mean(), rel=1e-6)
        assert found["scores"][f"frechet_distance{suffix}"]["ours"] > 0


def test_scores_that_differ_are_named():
    before = {"coverage": {"ours": 0.9}, "psnr": {"ours": 20.0}, "near zero": {"ours": 1e-4}}
    assert differences(before, before) == []
    after = {"coverage": {"ours": 0.87}, "psnr": {"ours": 20.3}, "near zero": {"ours": 1e-3}}
    assert differences(before, after) == ["coverage was 0.9 and is 0.87"]
    assert differences(before, {**after, "psnr": {"ours": float("nan")}})[1:] == ["psnr was 20 and is nan"]
    assert "was 0.9 and is nan" in differences({"coverage": {"ours": 0.9}}, {})[0]


BUNDLED = [name for name in presets.names() if not name.startswith("classifier-")]


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_preset_is_small_whole_and_documented(name):
    preset = presets.read(name)
    metadata = preset.metadata
    assert sum(entry["bytes"] for entry in metadata["files"].values()) < 12e6
    assert {"family", "data", "seed", "steps", "minutes", "device", "evaluation", "command", "versions"} <= set(
        metadata
    )
    assert f"--preset-out zoo{os.sep}{name}" in metadata["command"]
    assert metadata["evaluation"]["scores"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", [name for name in BUNDLED if name.endswith("_digits")][::4])  # whose data are here
def test_three_presets_measure_as_their_cards_say(name):
    _as_published(name)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", presets.names())
def test_all_presets_measure_as_their_cards_say(name):
    _as_published(name)


def _as_published(name):
    found = verify(name)
    others = [sentence for sentence in found if OTHER_DATA.partition("}")[2] not in sentence]  # no fonts, for example
    assert others == []
    if found:
        pytest.skip(found[0])
