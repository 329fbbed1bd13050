"""The documentation: pages in Markdown, and the pages and tables that are written from the code."""
