"""Wrong input to the splice-profile program: exit code 2, one line that helps, nothing left."""

import gzip
import json
import pickle
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.model.checkpoint import load_model
from ldar_interp.model.published import published_keys


@pytest.fixture
def refuse(run, tmp_path):
    """Run with wrong input; the one line on stderr, after what every refusal must be."""

    def refuse_run(*flags, **options):
        place = tmp_path / "place"
        place.mkdir()
        outcome = run(options.pop("out", place / "out"), *flags, **options)
        assert outcome.code == 2 and outcome.stdout == ""
        assert list(place.iterdir()) == []
        lines = outcome.stderr.splitlines()
        assert len(lines) == 1, outcome.stderr
        assert lines[0].startswith("splice_profile: error: ")
        return lines[0].removeprefix("splice_profile: error: ")

    return refuse_run


@pytest.fixture
def checkpoint(world, tmp_path):
    """A copy of the checkpoint that a test may spoil."""
    return shutil.copytree(world.ckpt, tmp_path / "ckpt") / "model.safetensors"


def respell(checkpoint, change):
    """Rewrite the weights after `change(state)`."""
    state = load_file(checkpoint)
    change(state)
    save_file(state, checkpoint)


class Malicious:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return (open, (self.victim, "w"))


def save_published(model, path):
    """A file of the published format."""
    ours = model.state_dict()
    state = {
        key: (ours[to.parameter] if to.direction is None else ours[to.parameter][to.direction])
        .reshape(to.shape)
        .clone()
        for key, to in published_keys(model).items()
    }
    config = model.config.to_dict()
    config |= {
        "ssm_cfg": {name: config[name] for name in ("d_state", "d_conv", "expand")},
        "attn_cfg": {name: config[name] for name in ("num_heads", "rotary_emb_dim", "window_size")},
    }
    torch.save({"model": state, "config": config}, path)
    return path


def test_truncated_weights(refuse, checkpoint):
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    line = refuse(ckpt=checkpoint)
    assert line.startswith(f"{checkpoint}: is truncated or not a safetensors file (")
    assert line.endswith("); restore the file")


def test_truncated_published_weights(refuse, world, tmp_path):
    path = save_published(load_model(world.ckpt), tmp_path / "model.pt")
    assert load_model(path).config.train_length == 256
    path.write_bytes(path.read_bytes()[:-1000])
    line = refuse(ckpt=path)
    assert line.startswith(f"{path}: ") and ("truncated" in line or "damaged" in line)
    assert "download it again" in line


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda s: s.pop("head.weight"), "1 missing key (head.weight); wanted the keys of"),
        (lambda s: s.update(extra=torch.zeros(1)), "1 unexpected key (extra); wanted the keys of"),
        (
            lambda s: s.update({"head.weight": torch.zeros(7, 3)}),
            "head.weight has shape (7, 3), wanted (7, 32);",
        ),
        (
            lambda s: s["head.weight"].fill_(float("nan")),
            "head.weight holds values that are not finite;",
        ),
    ],
)
def test_weights_of_another_model(refuse, checkpoint, change, found):
    respell(checkpoint, change)
    line = refuse(ckpt=checkpoint.parent)
    assert line.startswith(f"{checkpoint}: {found}") and " use " in line


def test_a_malicious_pickle_is_not_run(refuse, tmp_path):
    victim, zipped, plain = (tmp_path / name for name in ("victim", "zip.pt", "plain.pt"))
    torch.save({"model": Malicious(str(victim))}, zipped)
    line = refuse(ckpt=zipped)
    assert line.startswith(f"{zipped}: holds more than tensors and plain values")
    assert "was not run" in line and line.endswith("wanted a published checkpoint")
    plain.write_bytes(pickle.dumps({"model": Malicious(str(victim))}))
    (tmp_path / "place").rmdir()
    assert refuse(ckpt=plain).startswith(f"{plain}: ")
    assert not victim.exists()


def test_absent_checkpoints(refuse, checkpoint, tmp_path):
    checkpoint.with_name("config.json").unlink()
    assert "config.json: no such file; wanted it beside" in refuse(ckpt=checkpoint)
    (tmp_path / "place").rmdir()
    line = refuse(ckpt=tmp_path / "absent.pt")
    assert line.startswith(f"{tmp_path}/absent.pt: no such file; wanted a .pt or .safetensors")
    (tmp_path / "place").rmdir()
    assert refuse(ckpt="random:huge").startswith("no preset is called 'huge'; wanted one of 110m")


def test_a_config_of_another_shape(refuse, checkpoint):
    config = checkpoint.with_name("config.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"colour": 1}))
    line = refuse(ckpt=checkpoint)
    assert line.startswith(f"{config}: config has unknown keys ['colour']; wanted")


FASTA = {
    "empty": (b"", "{path} is empty; wanted a FASTA file, plain or bgzip"),
    "protein": (
        b">p\n" + b"MKLVFFAEDVGSNKGAIIGLMVGGVVIA" * 40 + b"\n",
        "{path} is not DNA: ",
    ),
    "no header": (b"ACGTACGT\n", "{path} is not FASTA: it begins with b'ACGTACGT\\n', wanted"),
    "other chromosomes": (
        b">scaffold_9\n" + b"ACGT" * 300 + b"\n",
        "{path}: none of its chromosomes (scaffold_9) is named in the annotation (chr1, chr2); use",
    ),
}


@pytest.mark.parametrize("case", FASTA)
def test_wrong_fasta(refuse, tmp_path, case):
    content, message = FASTA[case]
    path = tmp_path / "wrong.fa"
    path.write_bytes(content)
    assert refuse(fasta=path).startswith(message.format(path=path))


def test_gzip_that_is_not_bgzip(refuse, world, tmp_path):
    path = tmp_path / "genome.fa.gz"
    path.write_bytes(gzip.compress(world.fasta.read_bytes()))
    assert refuse(fasta=path) == (
        f"{path} is gzip, which has no random access; wanted bgzip: run `gunzip genome.fa.gz` and "
        "then `bgzip genome.fa`"
    )


def test_absent_fasta(refuse, tmp_path):
    assert refuse(fasta=tmp_path / "x.fa") == f"{tmp_path}/x.fa: no such FASTA file; check the path"


def test_gtf_of_a_longer_assembly(refuse, world, tmp_path):
    fasta = tmp_path / "short.fa"
    fasta.write_text(">chr1\n" + "ACGT" * 20 + "\n>chr2\n" + "ACGT" * 20 + "\n")
    line = refuse(fasta=fasta)
    assert line.startswith(f"{world.gtf}: none of its 48 introns lies inside the genome, which")
    assert line.endswith("; use the annotation of this genome")


def shift(text):
    """Every exon one base to the right, as a 0-based file read as 1-based would have it."""
    rows = [line.split("\t") for line in text.splitlines()]
    moved = [[*r[:3], str(int(r[3]) + 1), str(int(r[4]) + 1), *r[5:]] for r in rows]
    return "".join("\t".join(row) + "\n" for row in moved)


GTF = {
    "empty": (lambda _: "", "{path} has no exon and no intron rows; wanted a GTF with exons"),
    "no exons": (
        lambda text: text.replace("\texon\t", "\tCDS\t"),
        "{path} has no exon and no intron rows; wanted a GTF with exons",
    ),
    "broken": (
        lambda text: text + "chr1\ttest\texon\t5\n",
        "{path}: 1 of 65 lines are broken, first line 65: 'chr1\\ttest\\texon\\t5'; wanted nine",
    ),
    "other assembly": (
        shift,
        "{path}: annotation and genome do not match: only ",
    ),
}


@pytest.mark.parametrize("case", GTF)
def test_wrong_gtf(refuse, world, tmp_path, case):
    change, message = GTF[case]
    path = tmp_path / "wrong.gtf"
    path.write_text(change(world.gtf.read_text()))
    assert refuse(gtf=path).startswith(message.format(path=path))


def test_no_sites_left_by_a_filter(refuse, world, tmp_path):
    line = refuse(gene_type="miRNA")
    assert line.startswith(f"{world.gtf}: ") and "['miRNA'] on gene_type" in line
    assert line.endswith("leaves no transcript; the file has protein_coding (14), lncRNA (2)")
    (tmp_path / "place").rmdir()
    line = refuse(gene_type="lncRNA", tag="MANE_Select")
    assert line.startswith(f"{world.gtf}: the filter ['MANE_Select'] on tag leaves no transcript")


def test_a_backend_that_cannot_run(refuse):
    assert refuse(backend="cuda") == (
        "backend 'cuda' on device 'cpu'; wanted a CUDA device: add --device cuda, or use "
        "--backend auto"
    )


def test_a_backend_that_does_not_exist(refuse):
    assert refuse(backend="tpu").startswith(
        "command line: backend is 'tpu'; wanted another value: "
    )


def test_a_device_that_is_not_there(refuse, tmp_path):
    device = "cuda:99" if torch.cuda.is_available() else "cuda"
    line = refuse(device=device)
    assert line.startswith(f"device {device!r} cannot be used here (")
    assert line.endswith("; use cpu or a device that torch finds")
    (tmp_path / "place").rmdir()
    assert refuse(device="abacus").startswith("device 'abacus' cannot be used here (")


def test_a_place_that_cannot_be_written(refuse, tmp_path):
    (tmp_path / "file").write_text("mine")
    line = refuse(out=tmp_path / "file" / "out")
    assert line.startswith(f"{tmp_path}/file/out: cannot be written (Not a directory); wanted")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("flags", [(), ("--force",)])
def test_an_existing_folder_that_is_no_result(refuse, tmp_path, flags):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter.tex").write_text("mine")
    line = refuse(*flags, out=out)
    assert line.startswith(f"{out}: ") and "choose another --out" in line
    assert (out / "chapter.tex").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gtf": None}, "--fasta was given alone; wanted --fasta and --gtf together, or neither"),
        ({"fasta": None}, "--gtf was given alone; wanted --fasta and --gtf together, or neither"),
        ({"strand": "both"}, "command line: strand is 'both'; wanted another value: Input should"),
        ({"controls": "C0,C9"}, "command line: controls.1 is 'C9'; wanted another value: Input"),
        ({"controls": "C1,C1"}, "controls are C1, C1; wanted some of C0, C1, C2, C3-8, "),
        ({"margin_bp": 128}, "margin of 128 bp in windows of 256 bp; wanted 1 to 127: choose"),
        ({"config": "absent.toml"}, "absent.toml: cannot be read (No such file or directory);"),
    ],
)
def test_wrong_options(refuse, options, message):
    assert refuse(**options).startswith(message)


def test_sites_that_all_lie_within_the_margin(run, world, tmp_path):
    letters = world.fasta.read_text().split(">")[1:]
    records = {
        name: list(text.replace("\n", "")) for name, text in (r.split("\n", 1) for r in letters)
    }
    rows = [line.split("\t") for line in world.gtf.read_text().splitlines()]
    for row in rows:
        for edge in (int(row[3]) - 1, int(row[4])):
            records[row[0]][max(0, edge - 20)] = records[row[0]][edge + 20] = "N"
    fasta = tmp_path / "holes.fa"
    fasta.write_text("".join(f">{name}\n{''.join(text)}\n" for name, text in records.items()))
    out = tmp_path / "place" / "out"
    outcome = run(out, fasta=fasta)
    assert outcome.code == 2 and outcome.stdout == "" and list(out.parent.iterdir()) == []
    *told, measured, error = outcome.stderr.splitlines()
    assert error == (
        f"splice_profile: error: {fasta}: all 96 sites lie within the margin of 32 bp of an end "
        "of the sequence or of an N; wanted sites inside: give a longer sequence or a smaller "
        "--margin-bp"
    )
    # With --margin-bp a genome of short stretches is used all the same, and the line says so.
    assert "offset consistency was not measured: " in measured and len(told) == 2
    without = run(out, fasta=fasta, margin_bp=None)
    assert without.code == 2
    assert "no stretch of 512 bases without N found" in without.stderr.splitlines()[-1]
    assert without.stderr.splitlines()[-1].endswith("give --margin-bp or a longer sequence")


def test_a_real_process_ends_with_code_2_and_one_line(world, tmp_path):
    (tmp_path / "empty.fa").write_text("")
    words = f"--ckpt {world.ckpt} --fasta empty.fa --gtf {world.gtf} --out out"
    found = subprocess.run(
        [sys.executable, "-m", "ldar_interp.splice_profile", *words.split()],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 2 and found.stdout == ""
    assert found.stderr == (
        "splice_profile: error: empty.fa is empty; wanted a FASTA file, plain or bgzip\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["empty.fa"]


def test_no_control_at_all(world, tmp_path):
    lines = world.gtf.read_text().splitlines()
    name = next(line for line in lines if "\texon\t" in line).split('gene_name "')[1].split('"')[0]
    gtf = tmp_path / "one_gene.gtf"
    gtf.write_text("\n".join(line for line in lines if f'gene_name "{name}"' in line) + "\n")
    out = tmp_path / "elsewhere"
    words = ["splice-profile", "--ckpt", world.ckpt, "--fasta", world.fasta, "--gtf", gtf]
    words += ["--out", out, "--controls", "C2", "--margin-bp", "8"]
    result = CliRunner().invoke(build_app(), [str(word) for word in words])
    assert result.exit_code == 2 and not out.exists()
    last = result.stderr.splitlines()[-1]
    assert "has a control on rung C2" in last and "add --controls C0" in last


def test_an_empty_checkpoint_name_is_not_the_embedded_one(refuse):
    assert "ckpt" in refuse(ckpt="")


def test_a_device_that_gives_nothing_back(refuse):
    assert "device 'meta' cannot be used here" in refuse(device="meta")
