"""Tables and finished figures that several tests look at; a figure is drawn once a session."""

from collections.abc import Iterator

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from synthetic_tables import N_GENES, Tables, make_logos, make_tables

from ldar_interp.plots import LogoCounts, splice_figure

mpl.use("Agg")


@pytest.fixture(scope="session")
def tables() -> Tables:
    return make_tables()


@pytest.fixture(scope="session")
def logos() -> dict[str, LogoCounts]:
    return make_logos()


@pytest.fixture(scope="session", params=[183, 89])
def figure(request: pytest.FixtureRequest, tables: Tables, logos: dict[str, LogoCounts]) -> Figure:
    return splice_figure(
        tables.profile,
        tables.difference,
        tables.enrichment,
        logos,
        width_mm=request.param,
        title="Synthetic tables",
        balance=tables.balance,
        n_genes=N_GENES,
    )


@pytest.fixture(autouse=True)
def _close_pyplot_figures() -> Iterator[None]:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
