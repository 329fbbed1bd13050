"""The models of runs and presets, as commands take them."""

from pathlib import Path


def trained(name):
    """The model of a run or a preset.

    Args:
        name: Folder of a run, or name, folder or address of a preset.
    """
    from kerasgan.zoo import preset as presets

    if Path(name).is_dir() and not (Path(name) / presets.METADATA).exists():
        from kerasgan.run import load_run

        return load_run(name).model
    from kerasgan import zoo

    return zoo.load(name)


def class_names(name, model):
    """Names of the classes of a run's or a preset's model; of earlier ones, what their data set says."""
    from kerasgan import zoo
    from kerasgan.data.builders import DATASETS
    from kerasgan.run import read_run

    if model.class_names:
        return model.class_names
    folder = Path(name)
    entries = read_run(folder) if (folder / "run.json").exists() else zoo.find(name).metadata
    data, _, config = ((entries.get("data") or {}).get("name") or "").partition("/")
    label = DATASETS[data](config or None).features.get("label") if data in DATASETS else None
    names = tuple(getattr(label, "names", ()))
    return names if len(names) == model.conditions.classes else ()


def classes_of(text, name, model):
    """The classes that a command was asked for, a list of numbers; all of them by default, none of other models.

    Args:
        text: Names or numbers of classes with commas between them, or `None`.
        name: Run or preset.
        model: Its model.

    Raises:
        ValueError: If classes were given and the model has none, or not these.
    """
    from kerasgan.data.description import class_numbers

    if text and not model.conditions.classes:
        raise ValueError(f"--labels was given, but {name} is unconditional. Leave it out.")
    if text:
        return list(class_numbers(text, class_names(name, model), model.conditions.classes))
    return list(range(model.conditions.classes or 0))
