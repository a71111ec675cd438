"""Files: where data and weights come from, how they are verified, kept and read."""
