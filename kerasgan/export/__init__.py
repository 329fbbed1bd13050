"""Export of trained models for use without kerasgan."""

from kerasgan.export.formats import FORMATS, draws_noise, export_as, export_keras, export_litert, export_onnx, format_of
from kerasgan.export.saved_model import export_prediction, export_saved_model, export_translation
from kerasgan.export.warmup import write_warmup

__all__ = [
    "FORMATS",
    "draws_noise",
    "export_as",
    "export_keras",
    "export_litert",
    "export_onnx",
    "export_prediction",
    "export_saved_model",
    "export_translation",
    "format_of",
    "write_warmup",
]
