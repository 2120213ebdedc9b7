"""Graph: a timm network as a list of torch's operators, carried out by any of Keras's backends."""
