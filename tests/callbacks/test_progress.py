"""What a person sees of a training, on a terminal and in a file."""

import io
import re

import pytest
from rich.console import Console

from kerasgan.callbacks import Progress
from kerasgan.callbacks.progress import duration


def shown(model, images, terminal, epochs=3, **options):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=80)
    model.fit(images, epochs=epochs, verbose=0, callbacks=[Progress(console)], **options)
    return text.getvalue()


def test_a_line_an_epoch_where_there_is_no_terminal(model, images, monkeypatch):
    monkeypatch.setattr("kerasgan.callbacks.progress.LINES", -1.0)
    first, _, last = shown(model, images, terminal=False).strip().splitlines()
    assert re.fullmatch(r"epoch 1/3 .* discriminator \d\.\d\d  generator \d\.\d\d", first)
    assert re.fullmatch(r"epoch 3/3  [\d,]+ images/s  discriminator \d\.\d\d  generator \d\.\d\d", last)


def test_short_epochs_do_not_fill_a_file(model, images):
    lines = shown(model, images, terminal=False, epochs=9).strip().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/9", "epoch 9/9"]


def test_a_bar_on_a_terminal_that_is_given_back(model, images):
    text = shown(model, images, terminal=True)
    assert "epoch 3/3" in text and "images/s" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is shown again


def test_images_are_counted_by_the_real_batch_size(model, images):
    """The recipe says 4, fit is given 8; from the second epoch on the bar must know."""
    progress = Progress(Console(file=io.StringIO(), force_terminal=True))
    model.fit(images, epochs=3, initial_epoch=1, batch_size=8, verbose=0, callbacks=[progress])
    assert (progress.images_per_step, progress.bar.tasks[0].completed, progress.bar.tasks[0].total) == (8, 32, 32)


def test_it_can_be_closed_before_it_began():
    Progress().close()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5000, "83 min"), (12000, "3 h 20 min")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
