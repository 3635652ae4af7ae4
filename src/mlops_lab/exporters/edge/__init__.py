"""A version as a folder that answers without this program: in a browser, or in Python with onnxruntime alone."""
