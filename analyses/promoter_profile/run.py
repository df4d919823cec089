"""Boundaries at motifs in all human promoters at hand, by what the checkpoint has seen of them.

Example: python -m analyses.promoter_profile.run --data DIR --force

Four runs of promoter_profile: held-out and trained regions, measured (EPD) and annotated starts.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analyses.promoter_profile.summarise import describe_promoters
from analyses.set_program import make_main
from ldar_interp.command_line import run_program, say
from ldar_interp.promoter.settings import PromoterSettings

NAME = "promoter_profile"
FOLDER = Path(__file__).resolve().parent
SET_NAMES = {"held_out": "Held out", "trained": "Trained", "selection": "Selection"}
START_NAMES = {"epd": "measured starts (EPD)", "annotation": "starts of the annotation"}


@dataclass(frozen=True)
class Part:
    """A set of regions with one list of starts."""

    set_name: str
    starts: str

    @property
    def name(self) -> str:
        """Ending of the names of its files."""
        return f"{self.set_name}_{self.starts}"

    @property
    def title(self) -> str:
        """Heading of its outcome."""
        return f"{SET_NAMES.get(self.set_name, self.set_name)}, {START_NAMES[self.starts]}"


def list_parts(sets: Mapping[str, Path]) -> Iterator[tuple[Part, dict[str, Path]]]:
    """The runs, with what each reads: measured starts where there are some, then annotated ones."""
    for name, made in sets.items():
        files = {"fasta": made / "genome.fa", "gtf": made / "genes.gtf"}
        measured = made / "epd.bed"
        if measured.is_file() and measured.stat().st_size:
            yield Part(name, "epd"), {**files, "tss": measured}
        yield Part(name, "annotation"), files


def measure(
    settings: PromoterSettings, sets: Mapping[str, Path], workers: int, folder: Path
) -> Mapping[str, Any]:
    """Figures and tables of each part; profiles of annotated starts are not drawn."""
    from analyses.promoter_profile.draw import draw_run
    from ldar_interp.promoter.analysis import run_analysis
    from ldar_interp.promoter.files import describe_run

    runs = {}
    for part, files in list_parts(sets):
        say(f"{NAME}: {part.title}")
        mine = settings.model_copy(update=files)
        run = run_analysis(mine, workers=workers)
        draw_run(folder, run, part.name, profiles=part.starts == "epd")
        runs[part.name] = {"set": part.set_name, "starts": part.starts, **describe_run(run, mine)}
    return {"runs": runs}


def describe(folder: Path) -> tuple[str, ...]:
    """The outcome of each part, from the files of a finished folder."""
    provenance = json.loads((folder / "provenance.json").read_text())
    said: list[str] = []
    for name in provenance["sets"]:
        for starts in START_NAMES:
            part = Part(name, starts)
            run = provenance["runs"].get(part.name)
            if run is not None:
                enrichment, motifs = (
                    pd.read_csv(folder / f"data_{table}_{part.name}.tsv", sep="\t")
                    for table in ("enrichment", "motifs")
                )
                said += [f"### {part.title}", *describe_promoters(enrichment, motifs, run)]
    return tuple(said)


main = make_main(
    FOLDER, "Do learned boundaries mark motifs in promoters?", PromoterSettings, measure, describe
)

if __name__ == "__main__":
    run_program(main)
