"""Pretraining of octlib's own backbone: the phantoms, how they are distorted, and what is learnt from them."""
