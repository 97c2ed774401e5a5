"""Results to look at: picture sheets, a page, Markdown."""
