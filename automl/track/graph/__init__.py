"""A predictor as an ONNX graph: typed columns in, labels and probabilities or values out."""
