"""Training of the packaged light models: a bank of our own drawings, one small network with two heads, ONNX out."""
