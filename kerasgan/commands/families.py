"""Finds families by name."""

from kerasgan.zoo.nearest import nearest


def family_of(name):
    """Returns the class of a family: "wgangp", "WGANGP", "wgan_gp" and "wgan-gp" are the same family.

    Families of imported modules take precedence over those of the package.

    Raises:
        ValueError: If there is no such family; the message lists the available ones.
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
    """Subclasses of a class, at any depth, that are not part of the package."""
    for known in base.__subclasses__():
        if not known.__module__.startswith("kerasgan."):
            yield known
        yield from _others(known)
