"""A ComfyUI node: this folder is copied or linked into ComfyUI's `custom_nodes`."""

from __future__ import annotations

from .node import NeutralFace

NODE_CLASS_MAPPINGS = {"StoicNetNeutralFace": NeutralFace}
NODE_DISPLAY_NAME_MAPPINGS = {"StoicNetNeutralFace": "Neutral face (StoicNet)"}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
