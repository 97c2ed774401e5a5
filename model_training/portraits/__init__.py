"""Photographs of faces: reading sets of them, landmarks, people, crops."""
