"""The instruments: expression (MediaPipe), identity (dlib and a second recogniser), picture."""
