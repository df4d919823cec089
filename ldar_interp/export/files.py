"""The files of an export, and what tells browsers how to show them."""

from collections.abc import Sequence
from pathlib import Path

from ldar_interp.boundaries.export import write_bigwig, write_cuts_bed, write_tokens_bed
from ldar_interp.boundaries.track import BoundaryTrack

_COLOURS = {"forward": "#14365F", "reverse": "#C4500A", "mean": "#444444"}
_MORE, _LESS = "#B2182B", "#2166AC"
"""More and less than expected: the ends of RdBu, https://colorbrewer2.org."""


def write_tracks(
    folder: Path,
    track: BoundaryTrack,
    residual: BoundaryTrack | None,
    chrom_sizes: dict[str, int],
    url: str,
) -> dict[str, dict[str, int]]:
    """All files but the provenance; returns counts of each orientation.

    For each orientation `prob_*.bw`, `cuts_*.bw`, `cuts_*.bed` and `tokens_*.bed`, with a
    track of residuals also `residual_*.bw`, and for all of them `chrom.sizes`, `tracks.ini`
    (pyGenomeTracks) and `tracks.txt` (UCSC).
    """
    counts = {}
    for name in track.orientations:
        found = write_bigwig(track, folder / f"prob_{name}.bw", name, chrom_sizes)
        write_bigwig(track, folder / f"cuts_{name}.bw", name, chrom_sizes, hard=True)
        found["cuts"] = write_cuts_bed(track, folder / f"cuts_{name}.bed", name, chrom_sizes)
        found["tokens"] = write_tokens_bed(track, folder / f"tokens_{name}.bed", name, chrom_sizes)
        if residual is not None:
            written = write_bigwig(residual, folder / f"residual_{name}.bw", name, chrom_sizes)
            found |= {f"residual_{key}": written[key] for key in ("values", "missing")}
        counts[name] = found
    sizes = "".join(f"{chrom}\t{size}\n" for chrom, size in chrom_sizes.items())
    (folder / "chrom.sizes").write_text(sizes)
    with_residual = residual is not None
    (folder / "tracks.ini").write_text(
        describe_for_pygenometracks(track.orientations, with_residual=with_residual)
    )
    (folder / "tracks.txt").write_text(
        describe_for_ucsc(track.orientations, url, with_residual=with_residual)
    )
    return counts


def describe_for_pygenometracks(orientations: Sequence[str], *, with_residual: bool) -> str:
    """A configuration of pyGenomeTracks, to be used in the folder of the files.

    Options as in https://pygenometracks.readthedocs.io/en/latest/content/all_tracks.html.
    """
    parts = [
        "# pyGenomeTracks --tracks tracks.ini --region chr3:42,600,000-42,610,000 -o locus.pdf\n"
        "# Add a [genes] section with file = your.gtf and file_type = gtf for gene models.\n"
        "[x-axis]\nwhere = top\n"
    ]
    for name in orientations:
        parts.append(
            f"[p {name}]\nfile = prob_{name}.bw\nfile_type = bigwig\ntitle = p {name}\n"
            f"height = 3\ncolor = {_COLOURS[name]}\nmin_value = 0\nmax_value = 1\n"
            "nans_to_zeros = false\nsummary_method = mean\n"
        )
        if with_residual:
            parts.append(
                f"[residual {name}]\nfile = residual_{name}.bw\nfile_type = bigwig\n"
                f"title = p - expected {name}\nheight = 3\ncolor = {_MORE}\n"
                f"negative_color = {_LESS}\nmin_value = -1\nmax_value = 1\n"
                "nans_to_zeros = false\nsummary_method = mean\n"
            )
        parts.append(
            f"[tokens {name}]\nfile = tokens_{name}.bed\nfile_type = bed\ntitle = tokens {name}\n"
            f"height = 1\ncolor = {_COLOURS[name]}\nborder_color = white\ndisplay = collapsed\n"
            "labels = false\n"
        )
    return "\n[spacer]\n\n".join(parts)


def describe_for_ucsc(orientations: Sequence[str], url: str, *, with_residual: bool) -> str:
    """Custom-track lines of the UCSC browser, which wants the bigWig files at an address.

    See https://genome.ucsc.edu/goldenPath/help/bigWig.html.
    """
    base = url.rstrip("/")
    lines = []
    for name in orientations:
        colour = _as_rgb(_COLOURS[name])
        for stem, title in (("prob", "boundary p"), ("cuts", "cut where p > 0.5")):
            lines.append(
                f'track type=bigWig name="{title}, {name}" description="LDARNet {title}, {name}: '
                f'the edge before each base" bigDataUrl={base}/{stem}_{name}.bw visibility=full '
                f"autoScale=off viewLimits=0:1 maxHeightPixels=100:40:11 color={colour}\n"
            )
        if with_residual:
            lines.append(
                f'track type=bigWig name="p - expected, {name}" description="LDARNet p minus what '
                f'letters and GC let expect, {name}: the edge before each base" '
                f"bigDataUrl={base}/residual_{name}.bw visibility=full autoScale=off "
                f"viewLimits=-1:1 maxHeightPixels=100:40:11 color={_as_rgb(_MORE)} "
                f"altColor={_as_rgb(_LESS)}\n"
            )
    return "".join(lines)


def _as_rgb(colour: str) -> str:
    """`#0A0B0C` as `10,11,12`."""
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
