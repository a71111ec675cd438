"""Inputs: from text, tags and sound to the arrays that a network reads."""
