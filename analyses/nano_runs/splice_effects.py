"""The declared endpoint of splice_profile, measured on the weights of one step.

Sites, controls, tracks and statistics are those of the package; only the model changes. Sites and
controls are chosen without a model, so all steps and seeds are compared on the same pairs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd

from analyses.nano_runs.grid import SpliceSettings
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.profiles import collect
from ldar_interp.sites.controls import ControlLadder, build_controls
from ldar_interp.sites.draw import draw_sites
from ldar_interp.sites.gencode import load_splice_sites
from ldar_interp.stats.enrichment import enrichment

COLUMNS = (
    "kind", "control", "effect", "ci_low", "ci_high", "p_value", "n_sites", "n_groups",
    "site_prob", "control_prob", "site_boundary_rate", "control_boundary_rate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SplicePairs:
    """The demo region, its splice sites and their controls."""

    genome: Genome
    ladder: ControlLadder
    settings: SpliceSettings

    def measure(self, model: LDARNet) -> pd.DataFrame:
        """`mean_difference` at offset 0 of every kind and rung: a row each, with `COLUMNS`.

        `site_prob` and `control_prob` are means over all sites and over all controls of draw 0,
        with value or without partner; the effect is over pairs.
        """
        given = self.settings
        tables = [self.ladder.sites, self.ladder.table]
        track = extract_boundaries(
            model,
            self.genome,
            around=tables,
            flank_bp=given.flank_bp,
            margin_bp=given.margin_bp,
        )
        sites, controls = (collect(track, table, flank_bp=given.flank_bp) for table in tables)
        found = enrichment(
            sites,
            controls,
            n_boot=given.n_boot,
            n_flips=given.n_flips,
            seed=given.seed,
            rungs=given.controls,
        )
        table = found.enrichment
        at_edge = found.profile[found.profile["offset"] == 0].set_index(["kind", "set"])
        rows = []
        for row in table[table["statistic"] == "mean_difference"].to_dict("records"):
            of = {
                name: at_edge.loc[(row["kind"], group)]
                for name, group in (("site", "site"), ("control", row["control"]))
            }
            means = {f"{name}_prob": part["mean"] for name, part in of.items()}
            rates = {f"{name}_boundary_rate": part["boundary_rate"] for name, part in of.items()}
            rows.append(row | means | rates)
        return pd.DataFrame(rows, columns=list(COLUMNS))


@contextmanager
def open_pairs(settings: SpliceSettings) -> Iterator[SplicePairs]:
    """Sites and controls of the embedded region, the region open while they are used."""
    with Genome(DEMO_FASTA) as genome:
        annotation = load_splice_sites(DEMO_GTF, genome)
        ladder = build_controls(
            draw_sites(annotation.sites, settings.max_sites, settings.seed),
            genome,
            annotation=annotation,
            rungs=settings.controls,
            n_draws=1,
            flank_bp=settings.control_flank_bp,
            seed=settings.seed,
        )
        yield SplicePairs(genome, ladder, settings)
