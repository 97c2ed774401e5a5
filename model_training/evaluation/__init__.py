"""How much expression is removed, whether it is still the person, and whether it stays a picture.

Only `classic_figures` and `outputs` import torch: the suite runs in an environment of its own
(`requirements.txt`) beside MediaPipe and dlib, against ONNX files, a running service or a folder of
ready pictures.
"""
