"""What the package brings along: a small pretrained checkpoint and a demo region."""

from pathlib import Path

CHECKPOINT = Path(__file__).resolve().parent / "checkpoint"
"""Folder with model.safetensors, config.json and the model card (README.md)."""
