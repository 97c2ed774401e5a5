"""What the evaluation is told: data, systems, where reports go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import DirectoryPath, FilePath
from tyro.conf import arg

from model_training.meter.config import LabelledSets
from model_training.options import Many

People = Literal["validation", "training", "all"]
MODELS = Path("onnx_models")
OUT = Path("runs/evaluation")


@dataclass(frozen=True)
class DataConfig:
    """Which data set.

    Attributes:
        data: london, lfw, pairs, manifest, ckplus or yale; or a path.
        london: folder with neutral/ and smiling/.
        lfw: folder with NAME/NAME_0001.jpg.
        landmarks: landmarks.npz of the data.
        lfw_labels: emotion labels, CSV.
        folder: data of the other layouts; of a manifest its CSV.
        facts: CSV about the people of pairs.
        people: whose pictures.
        called: call the data set this in reports and file names.
    """

    data: str
    london: DirectoryPath | None = None
    lfw: DirectoryPath | None = None
    landmarks: FilePath | None = None
    lfw_labels: FilePath | None = None
    folder: Path | None = None
    facts: tuple[FilePath, ...] = ()
    people: People = "validation"
    called: str | None = None


@dataclass(frozen=True)
class EvaluationConfig:
    """Print Tables 1 and 2 with controls; write JSON, HTML and picture sheets.

    Attributes:
        model: photo, classic, ... of the models folder, or no-op.
        data: which data set.
        models_dir: where models live.
        service: measure a running service, by URL.
        token: that the service wants; by default STOICNET_TOKEN of the environment.
        outputs: measure a folder of ready outputs.
        strength: how much of the change is applied, 0 to 1.
        openface: pictures for OpenFace go here, its CSVs come from here.
        sface: measure by SFace too; not for models with SFace in a loss.
        limit: only so many cases.
        publish: also put the JSON here (docs/results) for results-doc.
        out: reports and cache go here.
    """

    model: Many[str]
    data: DataConfig
    models_dir: Path = MODELS
    service: str | None = None
    token: str | None = None
    outputs: DirectoryPath | None = None
    strength: Annotated[float, Ge(0), Le(1)] = 1.0
    openface: Path | None = None
    sface: bool = True
    limit: Annotated[int, Ge(1)] | None = None
    publish: Path | None = None
    out: Path = OUT


@dataclass(frozen=True)
class ControlCheckConfig:
    """Check on real pictures that the controls come out as they must, in both views.

    Attributes:
        london: folder with neutral/ and smiling/.
        people: whose pictures.
        out: cache.
    """

    london: DirectoryPath
    people: People = "validation"
    out: Path = OUT


@dataclass(frozen=True)
class AgreementConfig:
    """Agreement of the in-service meter with MediaPipe on validation people, set by set.

    Attributes:
        landmarks: landmarks.npz of the image sets.
        sets: folders of image sets.
        models_dir: where models live.
        record: write the numbers into the manifest.
    """

    landmarks: FilePath
    sets: LabelledSets = field(default_factory=LabelledSets)
    models_dir: Path = MODELS
    record: bool = False


@dataclass(frozen=True)
class OutputsConfig:
    """Can outputs be told from real calm photographs, and do neutral faces come back unchanged?

    Neutral faces are the London Set's validation people, measured with and without the service's
    rule that a face which is neutral already is left alone. Needs the extra `train`.

    Attributes:
        lfw: LFW: expressive and calm photographs of a person.
        london: Face Research Lab London Set: neutral faces.
        landmarks: landmarks.npz of the data.
        model: photo or classic.
        people: of LFW.
        models_dir: where models live.
        limit: only so many people.
        out: report and sheet go here.
    """

    lfw: DirectoryPath
    london: DirectoryPath
    landmarks: FilePath
    model: str = "photo"
    people: People = "all"
    models_dir: Path = MODELS
    limit: Annotated[int, Ge(8)] | None = None
    out: Path = OUT


@dataclass(frozen=True)
class EyesConfig:
    """Are shut eyes opened, and open ones left open, on people nobody trained on?

    Of London, canada and FairFace, which `photo` was trained on, validation people are taken; of
    other sets everybody. An eye counts as open from a lid distance of 0.12 eye widths on, by
    MediaPipe, which also calls a dark blur between lids open: look at the sheet.

    Attributes:
        data: folder that the landmark table's paths start from.
        landmarks: landmarks.npz of the data.
        sets: image set to look through.
        model: photo or classic.
        models_dir: where models live.
        open_faces: faces with open eyes.
        sheet: a JPEG of closed eyes to write.
        count: faces on the sheet.
        size: side of a crop, pixels.
        cache: measurements are kept here.
    """

    data: DirectoryPath
    landmarks: FilePath
    sets: Annotated[Many[str], arg(name="set")]
    model: str = "photo"
    models_dir: Path = MODELS
    open_faces: Annotated[int, Ge(0)] = 200
    sheet: Path | None = None
    count: Annotated[int, Ge(1)] = 24
    size: Annotated[int, Ge(64), Le(1024)] = 256
    cache: Path = OUT / "cache"


@dataclass(frozen=True)
class SheetConfig:
    """Draw input and output of people who are in no training set, one each, worst first.

    Data sets are taken in the order given until COUNT people are found. The sheet shows
    photographs: only data whose licence allows it may be on a published one.

    Attributes:
        data: folder of a data set; its validation people.
        out: the JPEG to write.
        model: photo or classic.
        count: people on the sheet.
        size: side of a crop, pixels.
        models_dir: where models live.
        cache: measurements are kept here.
    """

    data: Many[DirectoryPath]
    out: Path
    model: str = "photo"
    count: Annotated[int, Ge(1)] = 48
    size: Annotated[int, Ge(64), Le(1024)] = 512
    models_dir: Path = MODELS
    cache: Path = OUT / "cache"


@dataclass(frozen=True)
class FiguresConfig:
    """Draw figures 2 (the stages) and 3 (six expressions by both sexes) of the paper.

    Attributes:
        weights: classic.pt of a finished training.
        pairs: pairs as `synthesize` makes them.
        facts: CSV of the people to show: id or file, gender.
        out: folder to write to.
        neutralizer: sgd, ridge or joint; by default the recipe's.
        sharpen: strength of the final sharpening filter; by default the recipe's.
    """

    weights: FilePath
    pairs: DirectoryPath
    facts: FilePath
    out: Path
    neutralizer: Literal["sgd", "ridge", "joint"] | None = None
    sharpen: Annotated[float, Ge(0)] | None = None


@dataclass(frozen=True)
class ResultsConfig:
    """Make docs/results.md from the JSON results, or check that it is what they give.

    Attributes:
        results: folder of results JSON.
        document: what is made of them.
        check: only say whether they agree.
    """

    results: Path = Path("docs/results")
    document: Path = Path("docs/results.md")
    check: bool = False


COMMANDS = {
    "evaluate": (EvaluationConfig, "evaluate"),
    "evaluate-check": (ControlCheckConfig, "evaluate_check"),
    "evaluate-meter": (AgreementConfig, "evaluate_meter"),
    "evaluate-outputs": (OutputsConfig, "evaluate_outputs"),
    "evaluate-eyes": (EyesConfig, "evaluate_eyes"),
    "evaluate-sheet": (SheetConfig, "evaluate_sheet"),
    "figures": (FiguresConfig, "figures"),
    "results-doc": (ResultsConfig, "results_doc"),
}
