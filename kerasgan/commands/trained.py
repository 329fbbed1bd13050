"""Loads the models of runs and presets for commands."""

from pathlib import Path


def trained(name):
    """Loads the model of a run or a preset.

    Args:
        name: Folder of a run; or name, folder or address of a preset.
    """
    from kerasgan.zoo import preset as presets

    if Path(name).is_dir() and not (Path(name) / presets.METADATA).exists():
        from kerasgan.run import load_run

        return load_run(name).model
    from kerasgan import zoo

    return zoo.load(name)


def class_names(name, model):
    """Class names of a run's or a preset's model; for those of earlier versions, from their data set."""
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
    """The requested classes as a list of numbers; by default all, for models without classes none.

    Args:
        text: Comma-separated names or numbers of classes, or `None`.
        name: Run or preset.
        model: Model of the run or preset.

    Raises:
        ValueError: If classes are given and the model has no classes, or not these.
    """
    from kerasgan.data.description import class_numbers

    if text and not model.conditions.classes:
        raise ValueError(f"--labels was given, but {name} is unconditional. Leave it out.")
    if text:
        return list(class_numbers(text, class_names(name, model), model.conditions.classes))
    return list(range(model.conditions.classes or 0))
