"""The gallery of a published zoo: pages that a static host serves, and that ask no other host for anything.

`show` writes what a page shows of a model (sounds, films, solids, texts, drawings, pairs), and `write_pages` the pages.
"""

from kerasgan.studies.gallery.exhibits import show
from kerasgan.studies.gallery.pages import write_pages

__all__ = ["show", "write_pages"]
