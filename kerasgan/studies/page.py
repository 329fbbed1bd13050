"""The page of `kerasgan play`: Gradio's widgets around `kerasgan.studies.play.Playground`."""

import functools
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Gradio reads this variable when it is imported

from kerasgan.studies import play

MODELS = 4  # maximum number of models in memory
BESIDE = 4  # number of sliders in a row
SHOWN = {"interactive": False}
FONT = ("system-ui", "sans-serif")
CODE = ("ui-monospace", "monospace")
CSS = """
.gradio-container {width: 100% !important; max-width: 1180px !important; margin: 0 auto !important;}
footer {display: none !important;}
.picture img {image-rendering: pixelated; object-fit: contain;}
"""
HELP = {
    "samples": "Each seed has its own samples, which are the same on every visit.",
    "walk": "A film on the way from one random sample to the next, and back to the first.",
    "edit": "On the left a sample, on the right the same one, moved along directions that change samples most.",
    "mix": "The sample in the middle has the first styles of the left one, and from a layer on those of the right one.",
    "captions": "Pictures of a sentence. Words that were not in the training mean nothing to the model.",
    "translate": "A picture is cut to the shape of the model's training pictures and translated.",
}


def build(load, name=None):
    """Builds the page, a `gradio.Blocks`.

    Its attribute `kerasgan_options` holds the appearance of the page, as arguments of `launch`.

    Args:
        load: Function from the name of a run or a preset to its model and class names.
        name: Run or preset to start with. `None` for one of the presets.

    Raises:
        ValueError: If Gradio is not installed, or if there is no such model.
    """
    try:
        import gradio as gr
    except ImportError as error:
        raise ValueError("`kerasgan play` needs Gradio: pip install 'kerasgan[play]'.") from error

    @functools.lru_cache(MODELS)
    def playground(chosen):
        return play.Playground(*load(chosen))

    names = play.playable()
    first = str(name) if name else "dcgan_fashion" if "dcgan_fashion" in names else names[0]
    playground(first)  # errors here are reported by the command
    with gr.Blocks(title="kerasgan play", analytics_enabled=False) as page:
        gr.Markdown("# kerasgan")
        choices = list(dict.fromkeys([first, *names]))
        model = gr.Dropdown(choices, value=first, label="Model", elem_id="model")

        @gr.render(inputs=[model])
        def tabs(chosen):
            one = playground(chosen)
            gr.Markdown(one.about)
            # Unique names; otherwise the page would look for the previously open tab among those of the new model.
            ids = {tab: f"{chosen}/{tab}" for tab in one.tabs}
            with gr.Tabs(selected=ids[one.tabs[0]]):
                for tab in one.tabs:
                    TABS[tab](gr, one, ids[tab])

    theme = gr.themes.Default(font=list(FONT), font_mono=list(CODE))
    page.kerasgan_options = {"theme": theme, "css": CSS, "footer_links": []}
    return page


def _given(kind, *arguments, **options):
    """An input widget; a widget that is rendered late with a value would be read-only."""
    return kind(*arguments, interactive=True, **options)


def _seed(gr, label="Seed", value=0):
    return _given(gr.Slider, 0, 9999, value, step=1, label=label)


def _picture(gr, label, **options):
    options = {"interactive": False, "format": "png", "show_label": False, "elem_classes": "picture", **options}
    options["buttons"] = ["download", "fullscreen"]
    return gr.Image(label=label, **options)


def _live(gr, controls, function, outputs):
    """Redraws whenever a control changes; of several simultaneous changes, only the last counts."""
    options = {"trigger_mode": "always_last", "show_progress": "hidden"}
    gr.on([control.change for control in controls], function, controls, outputs, **options)


def _classes(gr, one, everything=True):
    """A list with a class selector, which is empty for a model without classes."""
    if not one.classes:
        return []
    choices = [*([play.ANY] if everything else []), *one.classes]
    return [_given(gr.Dropdown, choices, value=choices[0], label="Class")]


def _truncation(gr, one):
    if one.truncation is None:
        return []
    value, low, high = one.truncation
    info = "Small: typical samples. Large: varied ones."
    return [_given(gr.Slider, low, high, value, step=0.05, label="Truncation", info=info)]


def _arguments(one, values):
    """The values of `_classes` and `_truncation` by name."""
    names = [*(["chosen"] if one.classes else []), *(["truncation"] if one.truncation else [])]
    return dict(zip(names, values, strict=True))


def _samples(gr, one, id=None):
    with gr.Tab("Samples", id=id):
        gr.Markdown(HELP["samples"])
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                seed = _seed(gr)
                count = _given(gr.Slider, 1, play.MOST_SAMPLES, 16, step=1, label="Samples")
                more = [*_classes(gr, one), *_truncation(gr, one)]
            with gr.Column(scale=3, min_width=320):
                begin, file = one.samples(truncation=one.truncation and one.truncation[0])
                outputs = [_picture(gr, "Samples", value=begin, visible=begin is not None, height=560)]
                if file is not None:
                    ending = file.rpartition(".")[2]
                    kind = {"wav": gr.Audio, "glb": gr.Model3D, "gif": gr.Image}.get(ending, gr.File)
                    outputs.append(kind(file, label="The first sample", **{} if ending == "glb" else SHOWN))

        def draw(seed, count, *values):
            picture, file = one.samples(seed, count, **_arguments(one, values))
            return (picture, file) if len(outputs) > 1 else picture

        _live(gr, [seed, count, *more], draw, outputs)


def _walk(gr, one, id=None):
    with gr.Tab("Walk", id=id):
        gr.Markdown(HELP["walk"])
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                seed = _seed(gr)
                stops = _given(gr.Slider, 2, play.MOST_STOPS, 4, step=1, label="Samples on the way")
                steps = _given(gr.Slider, 4, play.MOST_STEPS, 12, step=1, label="Frames from one to the next")
                more = [*_classes(gr, one, everything=False), *_truncation(gr, one)]
                button = gr.Button("Film", variant="primary")
            with gr.Column(scale=3, min_width=320):
                film = _picture(gr, "Film", type="filepath", format="gif", height=400)

        def draw(seed, stops, steps, *values):
            return one.walk(seed, stops, steps, **_arguments(one, values))

        button.click(draw, [seed, stops, steps, *more], film)


def _edit(gr, one, id=None):
    with gr.Tab("Edit", id=id) as tab:
        gr.Markdown(HELP["edit"])
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                seed = _seed(gr)
                method = _given(gr.Radio, ["ganspace", "sefa"], value="ganspace", label="Directions")
                more = [*_classes(gr, one, everything=False), *_truncation(gr, one)]
            with gr.Column(scale=3, min_width=320):
                picture = _picture(gr, "Edit", height=330)
                strengths = []
                for start in range(0, play.DIRECTIONS, BESIDE):
                    with gr.Row():
                        strengths += [
                            _given(gr.Slider, -1, 1, 0, step=0.05, label=f"Direction {place + 1}", min_width=150)
                            for place in range(start, start + BESIDE)
                        ]

        def draw(seed, method, *values):
            given, moves = values[: len(more)], values[len(more) :]
            options = {"chosen": play.ANY, "truncation": None, **_arguments(one, given)}
            return one.edit(seed, options["chosen"], options["truncation"], *moves, method=method)

        controls = [seed, method, *more, *strengths]
        tab.select(draw, controls, picture)
        _live(gr, controls, draw, picture)


def _mix(gr, one, id=None):
    with gr.Tab("Mix", id=id) as tab:
        gr.Markdown(HELP["mix"])
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                seed, other = _seed(gr, "Seed on the left"), _seed(gr, "Seed on the right", 1)
                layer = _given(gr.Slider, 0, one.layers, one.layers // 2, step=1, label="First layer of the right one")
                more = _truncation(gr, one)
            with gr.Column(scale=3, min_width=320):
                picture = _picture(gr, "Mix", height=330)
        controls = [seed, other, layer, *more]
        tab.select(one.mix, controls, picture)
        _live(gr, controls, one.mix, picture)


def _captions(gr, one, id=None):
    with gr.Tab("Sentences", id=id):
        gr.Markdown(HELP["captions"])
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                caption = _given(gr.Textbox, one.example_caption, label="Sentence", lines=2)
                seed, count = _seed(gr), _given(gr.Slider, 1, 16, 4, step=1, label="Samples")
            with gr.Column(scale=3, min_width=320):
                picture = _picture(gr, "Samples", value=one.of_caption(one.example_caption), height=480)
        caption.submit(one.of_caption, [caption, seed, count], picture)
        _live(gr, [caption, seed, count], one.of_caption, picture)


def _translate(gr, one, id=None):
    with gr.Tab("Translate", id=id):
        gr.Markdown(HELP["translate"])
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                given = _given(
                    gr.Image, type="numpy", image_mode="RGB", label="Your picture", sources=["upload", "clipboard"]
                )
                back = _given(gr.Checkbox, label="Translate back", visible=one.both_ways)
            with gr.Column(scale=3, min_width=320), gr.Row():
                seen = _picture(gr, "As the model sees it", show_label=True)
                made = _picture(gr, "Translated", show_label=True)

        def draw(given, back):
            return (None, None) if given is None else one.translate(given, back)

        _live(gr, [given, back], draw, [seen, made])


TABS = {
    **{"samples": _samples, "walk": _walk, "edit": _edit, "mix": _mix},
    **{"captions": _captions, "translate": _translate},
}
