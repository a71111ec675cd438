"""A small file of SentencePiece, written field by field."""

import struct

PIECES = {
    "<unk>": 0.0,
    "<s>": 0.0,
    "</s>": 0.0,
    "▁": -4.0,
    "▁a": -2.0,
    "b": -3.0,
    "▁ab": -4.0,
    "电": -2.5,
    "电池": -3.0,
}


def field(number, content):
    """One field of a message: bytes with their length, or an int."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def write(pieces):
    """The content of a file with these pieces and their scores."""
    parts = [
        field(1, field(1, piece.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", score) + field(3, 1))
        for piece, score in pieces.items()
    ]
    return b"".join(parts) + field(2, field(4, 9)) + field(3, field(1, b"none") + field(5, 1))
