"""The 27 tasks: their suites, their published sizes, and names that are spelled wrong."""

import re

import pytest

from ldar_interp.errors import InputError
from ldar_interp.tasks.registry import find_task, tasks_of

# Rows of each mark before the split: Nguyen et al. 2016, DNA sequence classification by CNN.
NGUYEN_2016 = {
    "H3": 14965, "H4": 14601, "H3K9ac": 27782, "H3K14ac": 33048, "H4ac": 34095, "H3K4me1": 31677,
    "H3K4me2": 30683, "H3K4me3": 36799, "H3K36me3": 34880, "H3K79me3": 28837,
}  # fmt: skip


def test_eighteen_and_nine_tasks():
    assert len(tasks_of("nt18")) == 18 and len(tasks_of("gb9")) == 9
    assert tasks_of("all") == tasks_of("nt18") + tasks_of("gb9")
    assert {task.metric for task in tasks_of("nt18")} == {"mcc"}
    assert {task.metric for task in tasks_of("gb9")} == {"accuracy"}


def test_sizes_of_histone_marks_add_up_to_their_source():
    found = {task.name: task.n_train + task.n_test for task in tasks_of("all")
             if task.group == "histone"}  # fmt: skip
    assert found == NGUYEN_2016


@pytest.mark.parametrize("task", tasks_of("all"), ids=lambda task: task.name)
def test_rows_of_the_registry_are_whole(task):
    assert find_task(task.name) == task
    assert len(task.classes) == len(set(task.classes)) >= 2
    assert 0 < task.length_bp[0] <= task.length_bp[1]
    assert task.n_train > task.n_test > 0
    assert re.search(r"https://\S+", task.source) and task.name in task.where
    assert set(task.checked) <= {"n_train", "n_test", "length_bp"}
    assert task.group in {"histone", "promoter", "enhancer", "splice", "regulatory", "coding",
                          "species"}  # fmt: skip


def test_three_tasks_have_three_classes():
    assert [task.name for task in tasks_of("all") if len(task.classes) == 3] == [
        "enhancers_types", "splice_sites_all", "human_ensembl_regulatory"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hint"),
    [("h3k9AC", "wanted H3K9ac"), ("promoter_tatta", "wanted promoter_tata"), ("zzz", "one of H3")],
)
def test_unknown_name_lists_close_ones(name, hint):
    with pytest.raises(InputError, match=f"no task is called '{name}'; wanted") as error:
        find_task(name)
    assert hint in str(error.value)


def test_unknown_suite():
    with pytest.raises(InputError, match="suite is 'nt19'; wanted one of nt18, gb9, all"):
        tasks_of("nt19")


def test_tasks_of_one_strand():
    found = {task.name for task in tasks_of("all") if task.is_stranded}
    assert found == {
        "promoter_all", "promoter_no_tata", "promoter_tata", "splice_sites_all",
        "splice_sites_acceptors", "splice_sites_donors", "human_nontata_promoters",
        "demo_coding_vs_intergenomic_seqs",
    }  # fmt: skip
