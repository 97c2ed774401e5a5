"""`python -m model_training figures`: the paper's figures with a trained `classic`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def figures_command(
    weights: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="classic.pt of a finished training.")
    ],
    pairs: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Pairs as `synthesize` makes them.")
    ],
    facts: Annotated[
        Path,
        typer.Option(
            exists=True, dir_okay=False, help="CSV of the people to show: id or file, gender."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    neutralizer: Annotated[
        str | None, typer.Option(help="sgd or ridge; by default the recipe's.")
    ] = None,
) -> None:
    """Draw figures 2 (the stages) and 3 (six expressions by both sexes) of the paper."""
    from model_training.classic.train import load_result
    from model_training.evaluation.classic_figures import figure_2, figure_3
    from model_training.evaluation.datasets import DataError
    from model_training.evaluation.datasets import pairs as pair_cases
    from model_training.runs.checkpoint import CheckpointError

    try:
        net, _ = load_result(weights, neutralizer)
        cases = [c for c in pair_cases(pairs, facts=[facts]).cases if "sex" in c.labels]
        names = figure_3(net, cases, out / "classic-figure-3.png")
        people = list({case.person: case for case in cases}.values())[:6]
        figure_2(net, people, out / "classic-figure-2.png")
    except (CheckpointError, DataError, ValueError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"wrote classic-figure-2.png and -3.png to {out}; figure 3: {', '.join(names)}")
