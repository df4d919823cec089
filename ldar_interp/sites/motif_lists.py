"""Which motifs are looked at: a list that is written down before the scan.

`load_motifs` reads what a user may name: `declared` (the list of the package), `all` (every CORE
matrix of vertebrates) or a file: a list like the package's own, or matrices in text. A list is
TOML:

    [[motif]]
    accession = "POL012.1"
    name = "TATA-Box"
    release = "JASPAR2020"      # left out: the newest

The name must be the one that the release gives, so that a mistyped accession cannot bring in
another factor unseen.
"""

from importlib import resources
from pathlib import Path

from ldar_interp.errors import InputError
from ldar_interp.sites.jaspar import NEWEST, fetch_all_jaspar, fetch_vertebrates
from ldar_interp.sites.motif import Motif, check_motifs, make_names_unique
from ldar_interp.sites.motif_files import read_motif_file
from ldar_interp.toml_files import read_toml

DECLARED, ALL = "declared", "all"
DECLARED_LIST = Path(str(resources.files("ldar_interp.assets"))) / "motifs.toml"
"""The declared list; copy and edit it for another one."""

_KEYS = ("accession", "name", "release")


def load_motifs(spec: str | Path) -> tuple[Motif, ...]:
    """Motifs by name of a list or by file.

    Parameters
    ----------
    spec : `declared`: core-promoter elements and classical promoter factors, `DECLARED_LIST`.
        `all`: every CORE matrix of vertebrates of the newest JASPAR release. Else a path: a list
        (`.toml`), or matrices in JASPAR, MEME or TRANSFAC text.

    Returns
    -------
    Motifs in the order of the list. Motifs that share a name are called `name_accession`.

    Raises
    ------
    InputError : the file is missing or wrong, an accession is unknown, stands twice or has another
        name than the list says.
    """
    if spec == DECLARED:
        motifs = read_motif_list(DECLARED_LIST)
    elif spec == ALL:
        motifs = fetch_vertebrates()
    elif not Path(spec).is_file():
        raise InputError(
            f"motifs {str(spec)!r}: no such file; wanted {DECLARED}, {ALL}, a list (.toml) or a "
            "JASPAR, MEME or TRANSFAC file"
        )
    elif Path(spec).suffix == ".toml":
        motifs = read_motif_list(spec)
    else:
        motifs = read_motif_file(spec)
    return check_motifs(make_names_unique(motifs))


def read_motif_list(path: str | Path) -> tuple[Motif, ...]:
    """Fetch the motifs that a TOML list names, in its order; errors as `load_motifs`."""
    entries = _read_entries(Path(path))
    releases = dict.fromkeys(entry["release"] for entry in entries)
    fetched: dict[tuple[str, str], Motif] = {}
    for release in releases:
        wanted = [entry["accession"] for entry in entries if entry["release"] == release]
        try:
            found = fetch_all_jaspar(wanted, release=release)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        fetched |= {(release, motif.accession): motif for motif in found}
    motifs = []
    for entry in entries:
        motif = fetched[entry["release"], entry["accession"]]
        if motif.name != entry["name"]:
            raise InputError(
                f"{path}: {motif.accession} is {motif.name!r} in {entry['release']}, the list says "
                f"{entry['name']!r}; wanted the release's name: correct one of the two"
            )
        motifs.append(motif)
    return tuple(motifs)


def _read_entries(path: Path) -> list[dict[str, str]]:
    content = read_toml(path, "wanted a list of [[motif]]")
    tables = content.get("motif")
    if set(content) != {"motif"} or not isinstance(tables, list) or not tables:
        raise InputError(
            f"{path} holds {', '.join(content) or 'nothing'}; wanted a list of [[motif]] alone"
        )
    entries: list[dict[str, str]] = []
    for number, table in enumerate(tables, start=1):
        where = f"{path}: motif {number}"
        if not isinstance(table, dict):
            raise InputError(f"{where} is no table; wanted [[motif]] with accession and name")
        given = {"release": NEWEST} | table
        unknown = [key for key in given if key not in _KEYS]
        if unknown:
            raise InputError(f"{where} has {unknown[0]!r}; wanted {', '.join(_KEYS)} only")
        for key in _KEYS:
            if not isinstance(given.get(key), str) or not given[key]:
                raise InputError(f"{where} has {key} {given.get(key)!r}; wanted text in quotes")
        if given["accession"] in [entry["accession"] for entry in entries]:
            raise InputError(f"{where}: {given['accession']} a second time; wanted each once")
        entries.append(given)
    return entries
