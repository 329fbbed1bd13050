"""`kerasgan sensitivity`: how strongly the result of a method depends on settings that are rarely tuned.

A study trains a grid of learning rates, first decay rates of Adam and critic steps with several seeds each, at equal
compute. It reports how many cells succeed, their median and their spread (Lucic et al. 2018, "Are GANs Created Equal?":
with enough tuning most losses perform equally, but they differ in how much tuning they need).
"""

from kerasgan.studies.sensitivity.folder import measure, take_up
from kerasgan.studies.sensitivity.report import summary
from kerasgan.studies.sensitivity.study import Study

__all__ = ["Study", "measure", "summary", "take_up"]
