"""The gallery of a published zoo: pages for a static host that request nothing from other hosts.

`show` writes the exhibits of a model (sounds, films, solids, texts, drawings, pairs), and `write_pages` writes the
pages.
"""

from kerasgan.studies.gallery.exhibits import show
from kerasgan.studies.gallery.pages import write_pages

__all__ = ["show", "write_pages"]
