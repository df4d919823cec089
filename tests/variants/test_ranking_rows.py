"""Which scores are ranked against labels, on which rows and in which blocks."""

import numpy as np
import pandas as pd

from ldar_interp.stats.ranking import measure_auroc
from ldar_interp.variants.ranking import choose_block, name_blocks, rank_scores


def make_scores(n=80, seed=0, *, models=("checkpoint", "random")):
    """Substitutions with a signal in the checkpoint's log-odds alone, and four indels."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    parts = []
    for model in models:
        table = pd.DataFrame(
            {
                "model": model, "chrom": "c", "pos": 1000 * np.arange(n) + 1,
                "kind": ["indel"] * 4 + ["substitution"] * (n - 4), "label": label,
                "log_odds": rng.normal(-label * (2.0 if model == "checkpoint" else 0.0)),
                "baseline_log_odds": np.random.default_rng(9).normal(size=n),
                "delta_p": rng.normal(size=n) / 10,
            }
        )  # fmt: skip
        table.loc[:3, ["log_odds", "baseline_log_odds"]] = np.nan
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    table["label"] = table["label"].astype("Int64")
    return table


OPTIONS = {"window_bp": 16, "block_bp": 2000, "n_boot": 200, "seed": 1}


def test_blocks_halve_until_there_are_twenty():
    chrom = np.array(["c"] * 40, dtype=object)
    pos = np.arange(40) * 100_000 + 1
    # 4 Mb: blocks of 1 Mb, 500 kb and 250 kb are 4, 8 and 16.
    assert choose_block(chrom, pos, 1024) == 125_000
    assert choose_block(chrom, pos, 16_000) == 500_000  # no less than 16 windows
    assert name_blocks(chrom[:2], np.array([2000, 2001]), 2000) == ["c:0", "c:1"]


def test_a_planted_signal_is_found_and_only_there():
    scores = make_scores()
    found = rank_scores(scores, **OPTIONS)
    rows = found.auroc.set_index(["subset", "model", "score", "against"])
    main = rows.loc[("substitution", "checkpoint", "minus_log_odds", "")]
    one = scores[(scores["model"] == "checkpoint") & scores["log_odds"].notna()]
    wanted = measure_auroc(-one["log_odds"], one["label"].to_numpy(dtype=int))
    np.testing.assert_allclose(main["effect"], wanted)
    assert main["ci_low"] > 0.8 and main["note"] == "declared"
    assert main["n_groups"] == 38 and main["n_positive"] == main["n_negative"] == 38
    for model in ("random", "letters"):
        other = rows.loc[("substitution", model, "minus_log_odds", "")]
        assert other["ci_low"] < 0.5 < other["ci_high"] and other["note"] == ""
        less = rows.loc[("substitution", "checkpoint", "minus_log_odds", model)]
        assert less["ci_low"] > 0.2
    others = found.auroc[found.auroc["subset"] == "other"]
    assert set(others["score"]) == {"delta_p", "abs_delta_p"} and (others["n_positive"] == 2).all()


def test_all_scores_of_a_subset_are_ranked_on_the_same_rows():
    scores = make_scores(models=("checkpoint",))
    scores.loc[10:14, "delta_p"] = np.nan
    scores.loc[20, "label"] = pd.NA
    scores.loc[21, "kind"] = None
    rows = rank_scores(scores, **OPTIONS).auroc.query("subset == 'substitution'")
    assert (rows["n_dropped"] == 5).all() and (rows["n_positive"] + rows["n_negative"] == 69).all()
    assert set(rows["against"]) == {"", "letters"}


def test_labels_of_one_kind_have_no_auroc():
    scores = make_scores(models=("checkpoint",)).assign(label=1)
    found = rank_scores(scores, **OPTIONS)
    assert found.auroc["effect"].isna().all() and found.roc.empty
    assert found.auroc["note"].str.endswith("labels of one kind only").all()


def test_labelled_rows_without_any_score_have_no_rows():
    scores = make_scores(models=("checkpoint",)).assign(delta_p=np.nan)
    scores.loc[4:, "label"] = pd.NA
    found = rank_scores(scores, **OPTIONS)
    assert found.auroc.empty and found.roc.empty and "effect" in found.auroc
