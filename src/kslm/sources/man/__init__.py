"""Manual pages in man(7) and mdoc(7): their text, their options, their names."""
