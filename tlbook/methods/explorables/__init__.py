"""What the explorable figures show: one module a figure, which computes it or reads it from the record."""
