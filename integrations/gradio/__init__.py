"""A small Gradio app over a running service, for a Space."""
