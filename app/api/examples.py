"""Answers of the API as an example of each, for the OpenAPI document: the sample photograph's."""

from __future__ import annotations

from typing import Any

_HASH = "011901a3f9084e22497e2b27642b44a39e8965c4c2febc5ddf2c3ccf298c8787"

_SEEN: dict[str, Any] = {
    "number": 1,
    "box": [178.3, 62.8, 89.8, 113.4],
    "landmarks": [[203.8, 99.7], [245.3, 103.1], [221.2, 124.3], [202.5, 141.1], [240.2, 143.9]],
    "score": 0.93,
    "inter_eye_distance": 41.6,
    "quality": {
        "SingleFacePresent": {
            "native": 0.0,
            "unit": "root of the two largest boxes' area ratio",
            "quality": 100,
            "note": "",
        },
        "HeadPoseRoll": {
            "native": 4.8,
            "unit": "degrees",
            "quality": 99,
            "note": "from the line through the eyes",
        },
    },
}
_BEFORE = {"score": 4.99, "lip_gap": 0.163, "eye_opening": 0.348}

_ADVICE = {
    "code": "neutral_expression",
    "sentence": "Relax your face: no smile, no raised brows.",
    "measure": "expression",
    "value": 4.99,
    "threshold": 2.6,
}

OK: dict[str, Any] = {"status": "ok"}

ANALYZED: dict[str, Any] = {
    "width": 512,
    "height": 512,
    "faces_found": 1,
    "faces": [{**_SEEN, "advice": [_ADVICE], "expression": _BEFORE}],
    "input_sha256": _HASH,
    "warnings": [],
    "timings_ms": {"upload": 0.4, "queue": 0.0, "decode": 10.5, "detect": 21.0, "measure": 7.1},
}

NEUTRALIZED: dict[str, Any] = {
    "altered": True,
    "width": 512,
    "height": 512,
    "faces_found": 1,
    "faces": [
        {
            **_SEEN,
            "crop_size": 256,
            "altered": True,
            "altered_share": 0.0229,
            "mean_change": 12.03,
            "gain": 1.0,
            "expression": {
                "before": _BEFORE,
                "after": {"score": 2.25, "lip_gap": 0.011, "eye_opening": 0.381},
            },
            "identity": None,
        }
    ],
    "model": "photo",
    "model_version": "0.1.0",
    "model_sha256": "570925b80286a46c9e54e7c15798a17b2b9f10dc3f308be25fe77811c78adc15",
    "provider": "CPUExecutionProvider",
    "input_sha256": _HASH,
    "matrix": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    "output_sha256": "560544767ce1db60f4cbd6450eb56fbdf7c878e6d663828fabec07bbccf1b298",
    "warnings": [],
    "timings_ms": {"decode": 14.3, "detect": 21.0, "infer": 70.0, "composite": 5.5, "encode": 19.0},
    "media_type": "image/png",
    "png_base64": "iVBORw0KGgo...",
    "image_base64": None,
}

INFO: dict[str, Any] = {
    "name": "StoicNet",
    "version": "0.1.0",
    "device": "auto",
    "provider": "CUDAExecutionProvider",
    "default_model": "photo",
    "models": {
        "photo": {
            "version": "0.1.0",
            "sha256": NEUTRALIZED["model_sha256"],
            "provider": "CUDAExecutionProvider",
            "placement": {
                "nodes": {"CUDAExecutionProvider": 380, "CPUExecutionProvider": 59},
                "copies": 1,
                "pixels_on_cpu": {},
            },
            "crop_sizes": [256, 512, 768, 1024],
            "regions": ["brows", "eyes", "mouth"],
            "licence": "Apache-2.0",
            "training_data": "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
            "metadata": {"name": "stoicnet-photo-fused"},
            "quality": {},
        }
    },
    "meter": {
        "version": "0.1.0",
        "sha256": "b427d1fc60971630c44d8e55f3e3205312c397d55ed2d07f1534409ce5cc1f11",
        "licence": "Apache-2.0",
        "training_data": "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
    },
    "identity": "off",
    "formats": ["JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF"],
    "limits": {
        "max_bytes": 20971520,
        "max_pixels": 50000000,
        "max_side": 16384,
        "min_eye_distance": 24.0,
        "max_faces": 32,
    },
    "notice": "StoicNet alters faces. Every picture it returns says so in its metadata.",
}
