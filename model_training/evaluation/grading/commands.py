"""`evaluate-grade`, `evaluate-grades` and `evaluate-teeth`, as plain functions."""

from __future__ import annotations

import numpy as np

from model_training.evaluation.cases import Dataset
from model_training.evaluation.config import DataConfig, People
from model_training.evaluation.grading.config import (
    BesideConfig,
    BesideTableConfig,
    GradeConfig,
    GradeTableConfig,
    TeethConfig,
)


def grade(config: GradeConfig) -> None:
    """Draw close-ups, numbered and shuffled, a CSV to fill in, and the key apart from them."""
    from tqdm import tqdm

    from app.faces.detector import FaceDetector
    from model_training.evaluation.cache import Cache
    from model_training.evaluation.choice import choose_system
    from model_training.evaluation.grading import sheets
    from model_training.evaluation.grading.grades import TAGS
    from model_training.evaluation.views import EyeFinder

    key = config.key or config.out.with_name(f"{config.out.name}-key.csv")
    sheets.check_places(config.out, key)
    found = _datasets(config, config.people, config.lfw_people)
    system = choose_system(config.model, config.models_dir)
    finder = EyeFinder(FaceDetector(), Cache(config.cache))
    with tqdm(desc="faces", unit="face") as bar:

        def advance() -> None:
            bar.update()

        pairs = sheets.draw_pairs(
            found, system, finder, config.count, config.controls, config.seed, config.size,
            advance,
        )  # fmt: skip
    pages = sheets.write(pairs, config.out, key)
    print(f"{len(pairs)} pairs on {len(pages)} pages in {config.out}; the key is {key}")
    print(f"fill in {config.out / 'grades.csv'}: neutral 0-2, real 0-2, accept 0 or 1, and tags,")
    print(f"separated by ';', of: {', '.join(TAGS)}")


def beside(config: BesideConfig) -> None:
    """Draw both versions' outputs beside their inputs, a CSV to fill in, and the key apart."""
    from tqdm import tqdm

    from app.faces.detector import FaceDetector
    from model_training.evaluation.cache import Cache
    from model_training.evaluation.choice import choose_system
    from model_training.evaluation.grading import sheets
    from model_training.evaluation.grading.beside import draw_beside, write_beside
    from model_training.evaluation.views import EyeFinder

    key = config.key or config.out.with_name(f"{config.out.name}-key.csv")
    sheets.check_places(config.out, key)
    found = _datasets(config, "validation", "all")
    both = (
        choose_system(config.model, config.models_dir),
        choose_system(config.model, config.rival),
    )
    finder = EyeFinder(FaceDetector(), Cache(config.cache))
    with tqdm(desc="faces", unit="face") as bar:

        def advance() -> None:
            bar.update()

        rows = draw_beside(found, both, finder, config.count, config.seed, config.size, advance)
    pages = write_beside(rows, config.out, key)
    print(f"{len(rows)} faces on {len(pages)} pages in {config.out}; the key is {key}")
    print(f"fill in {config.out / 'grades.csv'}: 1 or 2, the better output, or = where neither is")


def beside_count(config: BesideTableConfig) -> None:
    """Print by data set how often which version was better, as Markdown."""
    from model_training.evaluation import tables
    from model_training.evaluation.grading.beside import beside_table

    print(tables.markdown(beside_table(config.key, config.grades)))


def _datasets(
    config: GradeConfig | BesideConfig, people: People, lfw_people: People
) -> list[Dataset]:
    from model_training.evaluation.choice import load_dataset

    found = [load_dataset(DataConfig(data=str(folder), people=people)) for folder in config.data]
    if config.lfw is not None:
        lfw = DataConfig(data="lfw", lfw=config.lfw, landmarks=config.landmarks, people=lfw_people)
        found.append(load_dataset(lfw))
    return found


def grade_table(config: GradeTableConfig) -> None:
    """Print accepted shares and tags by data set, as Markdown."""
    from model_training.evaluation import tables
    from model_training.evaluation.grading import grades

    key = grades.read_key(config.key)
    read = [grades.read_grades(path, key) for path in config.grades]
    print(tables.markdown(grades.grade_table(key, grades.together(read))))


def teeth(config: TeethConfig) -> None:
    """Print the teeth measure of calm faces, set by set and together."""
    from model_training.evaluation.mouth import calm_teeth
    from model_training.portraits.landmarks import LandmarkTable

    table = LandmarkTable.load(config.landmarks)
    found = calm_teeth(config.data, table, config.sets, config.most)
    for name, shares in (*found.items(), ("together", np.concatenate(list(found.values())))):
        if len(shares):
            level = np.percentile(shares, 95)
            print(f"{name}: {len(shares)} faces, mean {shares.mean():.4f}, 95 % under {level:.4f}")
