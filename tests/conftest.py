"""Shape annotations of the model are checked while the tests run; this must precede its import."""

from jaxtyping import install_import_hook

MODULES_WITH_SHAPES = (
    "attention", "bimamba2", "block", "chunking", "cuda_mix", "fixed_routers", "ldarnet", "losses",
    "router",
    "short_conv", "ssd",
)  # fmt: skip

TRAINING_WITH_SHAPES = ("draws", "masking", "packed")

TUNING_WITH_SHAPES = ("batches", "pooling")

install_import_hook(
    [
        *(f"ldar_interp.model.{name}" for name in MODULES_WITH_SHAPES),
        *(f"ldar_interp.train.{name}" for name in TRAINING_WITH_SHAPES),
        *(f"ldar_interp.tune.{name}" for name in TUNING_WITH_SHAPES),
    ],
    "beartype.beartype",
)
