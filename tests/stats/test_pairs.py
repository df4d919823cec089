"""Each site beside its own control, and every way in which controls can be the wrong ones."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles
from ldar_interp.stats.pairs import check_pairing, pair_sites

NAN = np.nan


def make_profiles(centre, offsets=(-1, 0, 1), **columns):
    values = np.full((len(centre), len(offsets)), 0.5, dtype=np.float32)
    values[:, list(offsets).index(0)] = centre
    return Profiles(values, np.array(offsets, dtype=np.int64), pd.DataFrame(columns))


def make_sites(**changes):
    columns = {
        "site_id": ["a", "b", "c"],
        "kind": ["donor", "donor", "tss"],
        "set": ["site"] * 3,
        "group": ["g1", "g2", "g2"],
    }
    return make_profiles([0.9, 0.8, 0.7], **{**columns, **changes})


def make_controls(offsets=(-1, 0, 1), **changes):
    columns = {
        "site_id": ["x", "y", "z", "w"],
        "kind": ["donor", "donor", "tss", "donor"],
        "set": ["C1"] * 4,
        "group": ["g2", "g1", "g2", "g2"],
        "matched_to": ["b", "a", "c", "b"],
        "draw": [0, 0, 0, 1],
    }
    return make_profiles([0.2, 0.1, 0.3, NAN], offsets, **{**columns, **changes})


def test_pairs_follow_the_sites():
    check_pairing(make_sites(), make_controls())
    pairs = pair_sites(make_sites(), make_controls(), kind="donor", control="C1")
    np.testing.assert_allclose(pairs.difference[:, 1], [0.8, 0.6], rtol=1e-6)
    assert pairs.group.tolist() == ["g1", "g2"] and pairs.n_unmatched == 0
    repeat = pair_sites(make_sites(), make_controls(), kind="donor", control="C1", draw=1)
    assert repeat.site_rows.tolist() == [1] and repeat.n_unmatched == 1
    assert np.isnan(repeat.difference[0, 1])
    nothing = pair_sites(make_sites(), make_controls(), kind="tss", control="C2")
    assert nothing.difference.shape == (0, 3) and nothing.n_unmatched == 1


def test_no_draw_column_is_the_declared_draw():
    controls = make_controls(matched_to=["b", "a", "c", "b"])
    table = controls.sites.drop(columns="draw")[:3]
    first = Profiles(controls.values[:3], controls.offsets, table)
    check_pairing(make_sites(), first)
    assert len(pair_sites(make_sites(), first, kind="donor", control="C1").group) == 2


@pytest.mark.parametrize(
    ("sites", "controls", "message"),
    [
        ({}, {"offsets": (0, 1)}, r"sites have 3 offsets -1\.\.1 and controls 2 offsets 0\.\.1"),
        ({"set": ["site", "C1", "site"]}, {}, "of the sites hold rows of a control set"),
        ({}, {"set": ["C1", "site", "C1", "C1"]}, "of the controls hold rows of the set 'site'"),
        ({"site_id": ["a", "b", "b"]}, {}, "site_id 'b' appears twice"),
        ({}, {"draw": [0, 0, 0, 0]}, "site 'b' has two controls in C1 draw 0"),
        ({}, {"matched_to": ["b", "a", "c", "q"]}, "'w' is matched to 'q', which is not among"),
        ({}, {"group": ["g2", "g9", "g2", "g2"]}, "'y' has the group 'g9' but its site has 'g1'"),
        ({}, {"kind": ["donor", "tss", "tss", "donor"]}, "'y' has the kind 'tss' but its site"),
    ],
)
def test_controls_that_cannot_be_paired(sites, controls, message):
    with pytest.raises(InputError, match=message):
        check_pairing(make_sites(**sites), make_controls(**controls))


def test_missing_columns():
    controls = make_controls()
    bare = Profiles(controls.values, controls.offsets, controls.sites.drop(columns="matched_to"))
    with pytest.raises(InputError, match="control table lacks the columns matched_to"):
        check_pairing(make_sites(), bare)
