"""The SiteTable contract: what passes, what each violation says, and the round trip."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.sites.table import check_sites, make_site_ids, read_sites, write_sites


def make_table(**columns):
    base = {
        "site_id": ["a", "b", "c"],
        "chrom": ["1", "1", "X"],
        "edge": [5, 16, 0],
        "strand": ["+", "-", "+"],
        "kind": ["donor", "acceptor", "tss"],
        "set": ["site", "site", "site"],
        "group": ["g", "g", "h"],
    }
    return pd.DataFrame(base | columns)


def make_controls():
    return make_table(
        set=["site", "C1", "C1"],
        matched_to=[None, "a", "a"],
        draw=pd.array([None, 0, 1], dtype="Int64"),
        gene_name=["NA", "nan", "7"],
        n_transcripts=[3, 4, 5],
        short_intron=[True, False, True],
        gc=[0.1234567, np.nan, 1e-9],
        score=[1.0, 2.0, 3.0],
        note=["x y", "é", None],
        is_first=[True, False, False],
        rank=[1, -2, 3],
    )


def refuse(table, message):
    with pytest.raises(InputError, match=message) as caught:
        check_sites(table, name="my table")
    assert str(caught.value).startswith("my table")
    assert "\n" not in str(caught.value)


def test_a_good_table_comes_back_the_same():
    table = make_table()
    pd.testing.assert_frame_equal(check_sites(table), table.astype({"site_id": "str"}))


def test_types_become_canonical_and_the_index_counts_rows():
    table = make_table(edge=np.array([5, 16, 0], dtype=np.int32), n_transcripts=[1.0, 2.0, 3.0])
    table = table.astype(object).set_index(pd.Index([7, 7, 9]))
    table["edge"] = table["edge"].astype("int32")
    table["n_transcripts"] = table["n_transcripts"].astype("float64")
    checked = check_sites(table)
    assert checked["edge"].dtype == "int64"
    assert checked["n_transcripts"].dtype == "int64"
    assert all(isinstance(checked[c].dtype, pd.StringDtype) for c in ("chrom", "strand", "set"))
    assert checked.index.tolist() == [0, 1, 2]
    assert table.index.tolist() == [7, 7, 9]  # the caller's table is left alone


def test_more_columns_are_kept_in_order():
    checked = check_sites(make_table(zebra=[1, 2, 3], apple=list("xyz")))
    assert checked.columns.tolist()[-2:] == ["zebra", "apple"]


def test_an_empty_table_passes():
    checked = check_sites(make_table().iloc[:0])
    assert len(checked) == 0
    assert checked["edge"].dtype == "int64"


def test_sites_and_controls_in_one_table():
    checked = check_sites(make_controls())
    assert checked["draw"].dtype == "Int64"
    assert checked["matched_to"].isna().tolist() == [True, False, False]
    only_controls = check_sites(checked[checked["set"] != "site"])
    assert only_controls["draw"].dtype == "int64"


def test_empty_optional_text_is_missing():
    assert check_sites(make_table(gene_name=["", "A", "B"]))["gene_name"].isna()[0]


def test_not_a_data_frame():
    refuse({"edge": [1]}, "is a dict; wanted a pandas DataFrame of sites")


@pytest.mark.parametrize("column", ["site_id", "chrom", "edge", "strand", "kind", "set", "group"])
def test_a_missing_column(column):
    refuse(make_table().drop(columns=column), f"lacks column '{column}'; wanted site_id, chrom")


def test_a_column_twice():
    table = make_table()
    refuse(pd.concat([table, table[["edge"]]], axis=1), "has column 'edge' twice")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("edge", [5, -1, 0], "column 'edge' of row 1 holds .*-1.*; wanted an edge >= 0"),
        ("edge", [5.5, 1, 2], "column 'edge' is float64; wanted int64: convert it"),
        ("edge", ["5", "1", "2"], r"column 'edge' is (str|object); wanted int64"),
        ("edge", [True, False, True], "column 'edge' is bool; wanted int64"),
        ("edge", [5.0, None, 2.0], "column 'edge' of row 1 holds nothing; wanted a value"),
        ("strand", ["+", ".", "x"], r"'strand' of row 1 holds '.'; wanted \+ or - \(2 such"),
        ("chrom", [1, 2, 3], r"column 'chrom' is int64; wanted str: convert it with .astype"),
        ("chrom", ["1", None, "2"], "column 'chrom' of row 1 holds nothing; wanted a value"),
        ("group", ["g", "", "h"], "column 'group' of row 1 holds nothing; wanted a value"),
        ("site_id", ["a", "b", "a"], "column 'site_id' of row 2 holds 'a'; wanted unique ids"),
        ("matched_to", ["a", "b", "c"], "'matched_to' of row 0 .* wanted no value for a site"),
        ("draw", [0, 0, 0], "'draw' of row 0 .* wanted no value for a site"),
        ("score", ["1", "2", "3"], "column 'score' is (str|object); wanted float64: convert it"),
        ("short_intron", [1, 0, 1], "column 'short_intron' is int64; wanted boolean"),
    ],
)
def test_each_violation_names_column_and_row(column, values, message):
    refuse(make_table(**{column: values}), message)


def test_a_control_without_a_partner():
    controls = make_table(set=["C1"] * 3, matched_to=["a", None, "c"], draw=[0, 0, 0])
    refuse(controls, "'matched_to' of row 1 holds nothing; wanted a value for each control")


def test_ids_tell_sites_controls_and_draws_apart():
    assert make_site_ids(make_controls()).tolist() == [
        "1:5:+:donor",
        "1:16:-:acceptor:C1:0",
        "X:0:+:tss:C1:1",
    ]
    table = make_table(set=["site", "C0", "C2"])
    assert make_site_ids(table).tolist() == ["1:5:+:donor", "1:16:-:acceptor:C0", "X:0:+:tss:C2"]


@pytest.mark.parametrize("name", ["sites.tsv", "sites.tsv.gz"])
def test_a_round_trip_keeps_values_and_types(tmp_path, name):
    table = check_sites(make_controls())
    write_sites(tmp_path / name, table)
    again = read_sites(tmp_path / name)
    pd.testing.assert_frame_equal(again, table.assign(gc=[0.123457, np.nan, 1e-9]))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_file_is_plain_tsv_with_short_floats(tmp_path):
    write_sites(tmp_path / "t.tsv", make_table(score=[0.1234567, np.nan, 3.0]))
    lines = (tmp_path / "t.tsv").read_bytes().decode().split("\n")
    assert lines[0] == "site_id\tchrom\tedge\tstrand\tkind\tset\tgroup\tscore"
    assert [line.split("\t")[-1] for line in lines[1:]] == ["0.123457", "", "3", ""]


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_sites(tmp_path / name, make_table())
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_numeric_chromosome_names_stay_text(tmp_path):
    write_sites(tmp_path / "t.tsv", make_table(chrom=["1", "01", "2"]))
    assert read_sites(tmp_path / "t.tsv")["chrom"].tolist() == ["1", "01", "2"]


def test_types_of_further_columns_can_be_declared(tmp_path):
    table = make_table(label=["1", "2", "3"], gc=[0.0, 1.0, 0.0])
    write_sites(tmp_path / "t.tsv", table)
    assert read_sites(tmp_path / "t.tsv")["label"].dtype == "int64"
    again = read_sites(tmp_path / "t.tsv", dtypes={"label": "str", "gc": "float64"})
    assert again["label"].tolist() == ["1", "2", "3"]
    assert again["gc"].dtype == "float64"
    with pytest.raises(InputError, match="has no column 'colour'; it has site_id, chrom"):
        read_sites(tmp_path / "t.tsv", dtypes={"colour": "str"})


def test_text_that_would_break_the_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"'note' of row 1 holds .*; wanted text without tab"):
        write_sites(tmp_path / "t.tsv", make_table(note=["a", "b\tc", "d"]))
    assert not list(tmp_path.iterdir())


def test_unwritable_and_unreadable_files(tmp_path):
    with pytest.raises(InputError, match=r"cannot be written \(No such file"):
        write_sites(tmp_path / "no" / "t.tsv", make_table())
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_sites(tmp_path / "t.tsv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a table of sites"),
        ("a\tb\n1\t2\t3\t4\n1\t2\n", "lacks column 'site_id'|not a table of sites"),
        ("site_id\tchrom\n", "lacks column 'edge'"),
        (
            "site_id\tchrom\tedge\tstrand\tkind\tset\tgroup\na\t1\tx\t+\tdonor\tsite\tg\n",
            "column 'edge' is not int64 .*; mend the file",
        ),
        (
            "site_id\tchrom\tedge\tstrand\tkind\tset\tgroup\na\t1\t\t+\tdonor\tsite\tg\n",
            "column 'edge' of row 0 holds nothing; wanted a value",
        ),
    ],
)
def test_damaged_files(tmp_path, content, message):
    (tmp_path / "t.tsv").write_text(content)
    with pytest.raises(InputError, match=message):
        read_sites(tmp_path / "t.tsv")


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**40), st.sampled_from("+-"), st.floats(allow_infinity=False)),
        min_size=1,
        max_size=8,
        unique_by=lambda x: x[0],
    )
)
def test_any_table_survives_the_file(tmp_path_factory, rows):
    n = len(rows)
    table = pd.DataFrame(
        {
            "site_id": [str(i) for i in range(n)],
            "chrom": "7",
            "edge": [edge for edge, _, _ in rows],
            "strand": [strand for _, strand, _ in rows],
            "kind": "donor",
            "set": "site",
            "group": "1e5",
            "score": [float(f"{score:.6g}") for _, _, score in rows],
        }
    )
    path = tmp_path_factory.mktemp("sites") / "t.tsv"
    write_sites(path, table)
    pd.testing.assert_frame_equal(read_sites(path), check_sites(table), check_exact=True)
