"""Linear probe of frozen features: logistic regression, its penalty chosen on validation rows.

What a probe reads in states, a linear head on the frozen model could use. Features are
standardised by the training rows and one model is fitted for each C of a grid; the best
validation MCC stays, the most penalised if several are equal. It is fitted to the training rows
alone: a fine-tuned model takes no gradient from validation rows either, so both have learned from
the same.
"""

import logging
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ldar_interp.errors import InputError
from ldar_interp.stats.classification import score_predictions
from ldar_interp.tune.checks import check_labels

Floats = NDArray[np.float64]

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0, 10.0)
_MAX_ITERATIONS = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A fitted probe; `c` is the inverse penalty that was chosen, for its `validation_mcc`."""

    scaler: StandardScaler
    regression: LogisticRegression
    n_classes: int
    c: float
    validation_mcc: float

    def predict(self, x: NDArray[np.floating]) -> Floats:
        """Probabilities float64 (n, n_classes) of features (n, d).

        0 for a class that no training row had.

        Raises
        ------
        InputError : another number of features than was fitted, or one that is not finite.
        """
        table = check_features(x, what="rows to predict")
        wanted = self.scaler.n_features_in_
        if table.shape[1] != wanted:
            raise InputError(
                f"rows to predict have {table.shape[1]} features; wanted the {wanted} that the "
                "probe was fitted to"
            )
        prob = np.zeros((len(table), self.n_classes))
        if len(table):
            scaled = self.scaler.transform(table)
            prob[:, self.regression.classes_] = self.regression.predict_proba(scaled)
        return prob


def fit_probe(
    train_x: NDArray[np.floating],
    train_y: NDArray[np.int64],
    validation_x: NDArray[np.floating],
    validation_y: NDArray[np.int64],
    *,
    n_classes: int,
    seed: int = 1,
    grid: tuple[float, ...] = GRID,
) -> Probe:
    """Multinomial logistic regression (binary if there are two classes), as the module says.

    Parameters
    ----------
    train_x, validation_x : (n, d) finite features. A feature that does not vary is left at 0.
    train_y, validation_y : (n,) classes 0 .. n_classes - 1.
    n_classes : also those that no row has.
    seed : not used: the optimiser (L-BFGS) draws nothing. It is here so that probes, floors and
        heads are called alike.
    grid : inverse penalties C, of which the smallest wins a tie.

    Returns
    -------
    The probe of the best C; its `predict` gives probabilities (n, n_classes).

    Raises
    ------
    InputError : labels that do not fit or are all the same, features that are not finite.
    """
    del seed
    check_labels(train_y, n_classes, "training rows")
    check_labels(validation_y, n_classes, "validation rows")
    tables = [
        check_features(train_x, what="training rows"),
        check_features(validation_x, what="validation rows"),
    ]
    for table, labels, what in zip(
        tables, (train_y, validation_y), ("training", "validation"), strict=True
    ):
        if len(table) != len(labels):
            raise InputError(f"{len(table)} {what} rows and {len(labels)} labels; wanted as many")
    if tables[0].shape[1] != tables[1].shape[1]:
        raise InputError(
            f"training rows have {tables[0].shape[1]} features and validation rows "
            f"{tables[1].shape[1]}; wanted as many"
        )
    if not grid:
        raise InputError("the grid of penalties is empty; wanted one at least")
    scaler = StandardScaler().fit(tables[0])
    train, validation = (scaler.transform(table) for table in tables)
    best: Probe | None = None
    for c in sorted(grid):
        regression = _fit(train, train_y, c)
        prob = np.zeros((len(validation), n_classes))
        prob[:, regression.classes_] = regression.predict_proba(validation)
        mcc = score_predictions(validation_y, prob)["mcc"]
        if best is None or mcc > best.validation_mcc:
            best = Probe(scaler, regression, n_classes, c, mcc)
    assert best is not None
    return best


def check_features(x: NDArray[np.floating], *, what: str) -> Floats:
    """Features (n, d) in float64. Raises InputError if they are not finite."""
    table = np.asarray(x, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"{what} of shape {table.shape}; wanted (rows, features)")
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(1))[0])
        raise InputError(f"{what}: row {row} has a feature that is not finite; wanted numbers")
    return table


def _fit(x: Floats, y: NDArray[np.int64], c: float) -> LogisticRegression:
    """One fit; that it did not converge is said in one line on the log."""
    regression = LogisticRegression(C=c, max_iter=_MAX_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(x, y)
    if int(regression.n_iter_.max()) >= _MAX_ITERATIONS:
        _log.warning("logistic regression with C = %g did not converge", c)
    return regression
