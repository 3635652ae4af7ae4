"""A version as a folder that predicts without this program: in a browser, or in Python with onnxruntime alone."""
