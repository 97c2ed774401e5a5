"""Entry point of `python -m model_training`."""

try:
    from model_training.cli import main
except ModuleNotFoundError as error:
    raise SystemExit(f'error: {error}: pip install -e ".[train]"') from None

main()
