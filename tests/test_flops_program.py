"""The program `flops`: its table, its file, and one error a message."""

import csv
import json

import pytest

from ldar_interp.__main__ import main
from ldar_interp.model.checkpoint import random_model, save_model
from ldar_interp.model.config import PRESETS
from ldar_interp.model.flops import count_flops, count_table


def run(capsys, *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `ldar-interp flops`."""
    with pytest.raises(SystemExit) as caught:
        main(["flops", *map(str, words)])
    shown = capsys.readouterr()
    return int(caught.value.code or 0), shown.out, shown.err


def totals(text: str) -> dict[str, float]:
    """MFLOP per base by the name of the total."""
    lines = text.partition("total ")[2].splitlines()[1:]
    return {line[:44].strip(): float(line[44:56]) for line in lines}


def test_totals_are_those_of_the_library(capsys):
    code, shown, err = run(capsys, "--preset", "2m", "--length", 4096, "--boundary-rate", 0.3)
    assert (code, err) == (0, "")
    count = count_flops(PRESETS["2m"], 4096, boundary_rate=0.3)
    assert shown.splitlines()[0] == (
        "preset 2m, router learned, this package's way; positions by stage: 4096 > 1229"
    )
    assert totals(shown) == {
        "boundaries: encoder and router": round(count.boundaries / 1e6, 4),
        "full forward pass": round(count.full / 1e6, 4),
        "attention within its window only": round(count.windowed / 1e6, 4),
        "training step: forward and backward": round(count.training / 1e6, 4),
    }


def test_published_way(capsys):
    shown = run(capsys, "--preset", "110m", "--length", 4096, "--as-published")[1]
    assert round(totals(shown)["full forward pass"], 1) == 146.3
    assert "the published way" in shown
    assert "dechunk" not in shown


@pytest.mark.parametrize("training", [False, True])
def test_the_file_holds_the_rows_and_the_totals(capsys, tmp_path, training):
    out = tmp_path / "new" / "flops.tsv"
    words = ["--preset", "nano", "--length", 300, "--router", "fixed:3", "--out", out]
    assert run(capsys, *words, *["--training"] * training)[0] == 0
    table = count_table(PRESETS["nano"].with_router("fixed:3"), 300)
    with out.open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    layers = [row for row in rows if row["part"] != "total"]
    expected = table.training if training else table.inference
    assert [(row["part"], row["what"]) for row in layers] == [(r.part, r.what) for r in expected]
    assert [int(row["forward_flops"]) for row in layers] == [r.forward for r in expected]
    assert [int(row["backward_flops"]) for row in layers] == [r.backward for r in expected]
    assert "router" not in {row["part"] for row in layers}
    sums = {row["what"]: row for row in rows if row["part"] == "total"}
    assert list(sums) == ["boundaries", "full", "training"]
    count = table.per_base()
    assert float(sums["full"]["forward_per_base"]) == pytest.approx(count.full, rel=1e-5)
    step = sums["training"]
    assert (int(step["forward_flops"]) + int(step["backward_flops"])) / 300 == count.training
    assert [path.name for path in out.parent.iterdir()] == ["flops.tsv"]
    before = out.read_bytes()
    assert run(capsys, *words) == (
        2, "", f"flops: error: {out}: exists; add --force to replace it or choose another --out\n"
    )  # fmt: skip
    assert run(capsys, *words, *["--training"] * training, "--force")[0] == 0
    assert out.read_bytes() == before


def test_models_from_files(capsys, tmp_path):
    shape = PRESETS["nano"].with_router("fixed:5").with_length(200)
    save_model(random_model(shape, seed=0), tmp_path)
    by_weights = run(capsys, "--ckpt", tmp_path)[1].splitlines()
    by_config = run(capsys, "--config", tmp_path / "config.json")[1].splitlines()
    assert by_weights[1:] == by_config[1:]
    assert by_config[0] == (
        "config.json, router fixed:5, this package's way; positions by stage: 200 > 40"
    )
    assert run(capsys)[1].startswith("embedded checkpoint, router learned")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "2m", "--ckpt", "x.pt"], "--ckpt and --preset were given; wanted one of "
         "them: drop the others"),
        (["--preset", "3m"], "no preset is called '3m'; wanted one of 110m, 20m, 2m, nano, small"),
        (["--preset", "2m", "--router", "fixed"], "router 'fixed': N is ''; wanted a whole number "
         ">= 1, as in fixed:4"),
        (["--preset", "2m", "--length", "0"], "length is 0; wanted at least 1 base"),
        (["--preset", "2m", "--boundary-rate", "0.2", "--boundary-rate", "0.3"], "boundary_rate "
         "has 2 entries; layout ['m3t1', ['M6'], 'm3'] has 1 routers: give one share a router, or "
         "one for all"),
        (["--config", "{folder}/no.json"], "{folder}/no.json: cannot be read (No such file or "
         "directory); wanted a config.json"),
        (["--config", "{folder}/bad.json"], "{folder}/bad.json: is not JSON (Expecting value: line "
         "1 column 1 (char 0)); wanted a config.json"),
        (["--config", "{folder}/short.json"], "{folder}/short.json: d_state is 0; wanted a whole "
         "number >= 1; correct the file"),
        (["--preset", "2m", "--out", "{folder}/bad.json/x"], "{folder}/bad.json/x: cannot be "
         "written (File exists); choose another --out"),
    ],
)  # fmt: skip
def test_wrong_input(capsys, tmp_path, words, message):
    (tmp_path / "bad.json").write_text("d_model: 3")
    (tmp_path / "short.json").write_text(json.dumps(PRESETS["nano"].to_dict() | {"d_state": 0}))
    code, _, err = run(capsys, *(word.format(folder=tmp_path) for word in words))
    assert (code, err) == (2, f"flops: error: {message.format(folder=tmp_path)}\n")
