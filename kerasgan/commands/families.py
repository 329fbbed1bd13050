"""Families by the names that people give them."""

from kerasgan.zoo.nearest import nearest


def family_of(name):
    """The class of a family: "wgangp", "WGANGP", "wgan_gp" and "wgan-gp" are the same one.

    Raises:
        ValueError: If there is none; the message lists those that there are.
    """
    from kerasgan import models

    families = {known.lower(): getattr(models, known) for known in models.__all__}
    found = families.get(name.lower().replace("_", "").replace("-", ""))
    if found is None:
        raise ValueError(
            f"There is no family {name!r}. Families: {', '.join(sorted(families))}.{nearest(name, families)}"
        )
    return found
