"""Trained models for use without kerasgan."""

from kerasgan.export.saved_model import export_saved_model, export_translation

__all__ = ["export_saved_model", "export_translation"]
