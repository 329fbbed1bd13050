"""`kerasgan sensitivity`: how much a method's result depends on the settings that nobody wants to tune.

A grid of learning rates, first decays of Adam and critic steps, several seeds each, at equal compute; how many of its
cells succeed, their median and their spread (Lucic et al. 2018, "Are GANs Created Equal?": with enough tuning most
losses tie, so what differs is how much tuning they need).
"""

from kerasgan.studies.sensitivity.folder import measure, take_up
from kerasgan.studies.sensitivity.report import summary
from kerasgan.studies.sensitivity.study import Study

__all__ = ["Study", "measure", "summary", "take_up"]
