"""Methods: what is built on the stages and is more than one of them."""
