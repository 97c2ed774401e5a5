"""`python -m model_training export int8` and `fp16`: the same model in fewer bits."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

_Models = Annotated[Path, typer.Option(help="Where models live.")]
_Model = Annotated[str, typer.Option(help="photo or classic.")]
_Photos = Annotated[Path, typer.Option(help="Folder of photographs with a face each.")]
_Out = Annotated[Path | None, typer.Option(help="New models folder; none is only compared.")]
_Report = Annotated[Path | None, typer.Option(help="JSON file for the comparison.")]


def register(app: typer.Typer) -> None:
    """Add the commands `int8` and `fp16`."""

    @app.command()
    def int8(
        photos: _Photos,
        model: _Model = "photo",
        models_dir: _Models = Path("onnx_models"),
        out: _Out = None,
        report: _Report = None,
    ) -> None:
        """Quantize a model for the CPU: every second photograph calibrates, the others compare."""
        from model_training.graphs.reduced import to_int8

        graph = (models_dir / model / "fused.onnx").read_bytes()
        crops = _crops(photos, models_dir, model)
        reduced = to_int8(graph, crops[::2])
        _finish("int8", graph, reduced, crops[1::2], model, models_dir, out, report)

    @app.command()
    def fp16(
        photos: _Photos,
        model: _Model = "photo",
        models_dir: _Models = Path("onnx_models"),
        out: _Out = None,
        report: _Report = None,
    ) -> None:
        """Half precision for CUDA; compared on the CPU, where it is slower."""
        from model_training.graphs.reduced import to_half

        graph = (models_dir / model / "fused.onnx").read_bytes()
        crops = _crops(photos, models_dir, model)
        _finish("fp16", graph, to_half(graph), crops, model, models_dir, out, report)


def _crops(photos: Path, models_dir: Path, model: str) -> list:  # type: ignore[type-arg]
    """The aligned crop of the largest face of every photograph, each at its own size."""
    from app.errors import StoicNetError
    from app.faces.alignment import choose_crop_size, crop_matrix, cut
    from app.faces.detector import FaceDetector
    from app.imaging.decode import decode
    from model_training.runs.manifest import read_manifest

    sizes = tuple(read_manifest(models_dir)["models"][model]["crop_sizes"])
    detector = FaceDetector()
    crops = []
    for file in sorted(path for path in photos.iterdir() if path.is_file()):
        try:
            pixels = decode(file.read_bytes()).pixels
        except StoicNetError as error:
            typer.echo(f"{file}: {error}", err=True)
            continue
        for face in detector.detect(pixels)[:1]:
            size = choose_crop_size(face.eye_distance, sizes)
            matrix = crop_matrix(face.landmarks[0], face.landmarks[1], size)
            crops.append(cut(pixels, matrix, size).image)
    if len(crops) < 2:
        typer.echo(f"{photos} has {len(crops)} photographs with a face; two are needed.", err=True)
        raise typer.Exit(2)
    return crops


def _finish(
    kind: str,
    graph: bytes,
    reduced: bytes,
    crops: list,  # type: ignore[type-arg]
    model: str,
    models_dir: Path,
    out: Path | None,
    report: Path | None,
) -> None:
    from model_training.graphs.reduced import compare, write_models
    from model_training.runs.atomic import atomic_path

    figures = asdict(compare(graph, reduced, crops))
    figures = {key: round(value, 3) for key, value in figures.items()}
    figures |= {"crops": len(crops), "bytes_before": len(graph), "bytes_after": len(reduced)}
    typer.echo(f"{model} {kind}: {figures}")
    if report is not None:
        with atomic_path(report) as temporary:
            temporary.write_text(json.dumps({"model": model, "kind": kind, **figures}, indent=2))
    if out is not None:
        typer.echo(f"wrote {write_models(models_dir, out, model, reduced)}")
