"""The log of a run: one header, one line an epoch, whatever happened in between."""

import csv
import json

import keras
import numpy as np
import pytest

from kerasgan.callbacks import RunLog
from kerasgan.callbacks.run_log import read_run


def rows(folder):
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_lines_and_facts(model, images, tmp_path):
    history = model.fit(images, epochs=2, verbose=0, callbacks=[RunLog(tmp_path, data={"name": "noise"})]).history
    first, second = rows(tmp_path)
    assert (first["epoch"], second["epoch"]) == ("1", "2")
    assert (first["iterations"], second["iterations"], second["images_seen"]) == ("4", "8", "32")
    assert [float(row["generator_loss"]) for row in (first, second)] == history["generator_loss"]
    entries = read_run(tmp_path)
    assert entries["class"] == "kerasgan>GAN"
    assert entries["model"]["seed"] == model.seed
    assert entries["recipe"]["batch_size"] == 4
    assert entries["data"] == {"name": "noise"}
    assert entries["versions"]["numpy"] == np.__version__
    assert entries["versions"]["keras"] == keras.__version__
    assert entries["engine"] == keras.backend.backend()
    assert entries["started"] <= entries["finished"]
    assert entries["resumed"] == []


class Extra(keras.callbacks.Callback):
    """Logs something in each epoch from 3 on."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= 2:
            logs["distance"] = 10 * epoch


def test_resumed_from_epoch_2_after_a_crash_in_the_middle_of_a_line(model, images, tmp_path):
    model.fit(images, epochs=3, verbose=0, callbacks=[RunLog(tmp_path)])
    with open(tmp_path / "history.csv", "a", encoding="utf-8") as file:
        file.write("1,16,")  # of "4,...", the digit that would pass for an earlier epoch
    model.fit(images, epochs=4, initial_epoch=2, verbose=0, callbacks=[Extra(), RunLog(tmp_path)])
    lines = rows(tmp_path)
    assert [row["epoch"] for row in lines] == ["1", "2", "3", "4"]
    assert [row["distance"] for row in lines] == ["", "", "20", "30"]
    text = (tmp_path / "history.csv").read_text()
    assert text.count("epoch") == 1
    assert len({line.count(",") for line in text.splitlines()}) == 1
    assert len(read_run(tmp_path)["resumed"]) == 1


def test_a_new_training_begins_a_new_log(begin, images, tmp_path):
    begin().fit(images, epochs=2, verbose=0, callbacks=[RunLog(tmp_path)])
    begin().fit(images, epochs=1, verbose=0, callbacks=[RunLog(tmp_path)])
    assert [row["epoch"] for row in rows(tmp_path)] == ["1"]
    assert read_run(tmp_path)["resumed"] == []


def test_what_is_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not the folder of a run"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"class": "x"})[:-1])
    with pytest.raises(ValueError, match="damaged"):
        read_run(tmp_path)


def test_a_full_disk_costs_no_line_and_no_training(model, images, tmp_path, monkeypatch):
    writerow, refused = csv.DictWriter.writerow, []

    def full(self, row):
        if row["epoch"] in (2, 3) and len(refused) < 2:
            refused.append(row["epoch"])
            raise OSError("No space left on device")
        return writerow(self, row)

    monkeypatch.setattr(csv.DictWriter, "writerow", full)
    monkeypatch.setattr(csv.DictWriter, "writerows", lambda self, rows: [self.writerow(row) for row in rows])
    with pytest.warns(RuntimeWarning, match="line of epoch 2 was not written: No space left"):
        model.fit(images, epochs=4, verbose=0, callbacks=[RunLog(tmp_path)])
    assert refused == [2, 2] or refused == [2, 3]
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3", "4"]
