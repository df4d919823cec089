"""Figures from the result tables: draw, never compute. Importing this never imports torch."""

from ldar_interp.plots.ladder import plot_ladder
from ldar_interp.plots.ladder_figure import ladder_figure
from ldar_interp.plots.ladder_grid import ladder_grid
from ldar_interp.plots.locus import plot_locus
from ldar_interp.plots.logos import LogoCounts, count_letters, logo_table, plot_logo
from ldar_interp.plots.profiles import plot_difference, plot_profile
from ldar_interp.plots.promoter import promoter_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.plots.splice import splice_figure
from ldar_interp.plots.style import check_figure, publication_style
from ldar_interp.plots.volcano import volcano_figure

__all__ = [
    "LogoCounts",
    "check_figure",
    "count_letters",
    "ladder_figure",
    "ladder_grid",
    "logo_table",
    "plot_difference",
    "plot_ladder",
    "plot_locus",
    "plot_logo",
    "plot_profile",
    "promoter_figure",
    "publication_style",
    "save_figure",
    "splice_figure",
    "volcano_figure",
]
