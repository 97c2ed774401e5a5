"""What the service, or the command line, says of itself."""

from __future__ import annotations

from collections import Counter

from app.api.schemas import Info, Limits, MeterInfo, ModelInfo, PlacementInfo
from app.imaging.decode import accepted_formats
from app.inference.placement import Placement
from app.pipeline import Neutralizer
from app.settings import Settings
from app.version import software_version

NOTICE = (
    "StoicNet alters faces. Every picture it returns says so in its metadata. Editing photographs "
    "for passports and other government documents is forbidden in many countries."
)


def describe(neutralizer: Neutralizer, settings: Settings) -> Info:
    """Version, models with their hashes and providers, limits."""
    models = {
        name: ModelInfo(
            version=model.version,
            sha256=model.sha256,
            provider=model.session.provider,
            placement=_describe_placement(model.session.placement),
            crop_sizes=list(model.crop_sizes),
            regions=list(model.session.regions),
            licence=model.licence,
            training_data=str(model.session.metadata.get("training_data", "not said")),
            metadata=model.session.metadata,
            quality=dict(model.quality),
        )
        for name, model in neutralizer.models.items()
    }
    meter = neutralizer.meter
    default = models.get(settings.default_model) or next(iter(models.values()))
    return Info(
        name="StoicNet",
        version=software_version(),
        device=settings.device,
        provider=default.provider,
        default_model=settings.default_model,
        models=models,
        meter=MeterInfo(
            version=meter.version,
            sha256=meter.sha256,
            licence=meter.licence,
            training_data=meter.training_data,
        )
        if meter
        else None,
        identity=settings.identity,
        formats=list(accepted_formats()),
        limits=Limits(
            max_bytes=settings.max_bytes,
            max_pixels=settings.max_pixels,
            max_side=settings.max_side,
            min_eye_distance=settings.min_eye_distance,
            max_faces=settings.max_faces,
        ),
        notice=NOTICE,
    )


def _describe_placement(placement: Placement | None) -> PlacementInfo | None:
    if placement is None:
        return None
    return PlacementInfo(
        nodes=placement.by_provider,
        copies=placement.copies,
        pixels_on_cpu=dict(Counter(node.operator for node in placement.pixels_on_cpu)),
    )
