"""Families by the names that people give them."""

from kerasgan.zoo.nearest import nearest


def family_of(name):
    """The class of a family: "wgangp", "WGANGP", "wgan_gp" and "wgan-gp" are the same one.

    Besides the families of the package there are those of imported modules, which come first.

    Raises:
        ValueError: If there is none; the message lists those that there are.
    """
    from kerasgan import AdversarialModel, models

    families = {known.lower(): getattr(models, known) for known in models.__all__}
    families |= {known.__name__.lower(): known for known in _others(AdversarialModel)}
    found = families.get(name.lower().replace("_", "").replace("-", ""))
    if found is None:
        raise ValueError(
            f"There is no family {name!r}. Families: {', '.join(sorted(families))}.{nearest(name, families)}"
        )
    return found


def _others(base):
    """Subclasses of a class that are not the package's, at any depth."""
    for known in base.__subclasses__():
        if not known.__module__.startswith("kerasgan."):
            yield known
        yield from _others(known)
