"""Files of draws, read back."""

from __future__ import annotations

import numpy as np
import pytest

import catena

HEAD = """# stan_version_major = 2
# model = schools_model
# method = sample (Default)
#   sample
#     num_samples = 4
#     max_depth = 3
# random
#   seed = 77
lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,mu,theta.1,theta.2
# Adaptation terminated
# Step size = 0.5
# Diagonal elements of inverse mass matrix:
# 1, 2, 3
"""
STAGES = (
    "# Stages: way, ess, ancestors, log_evidence, acceptance, stepsize",
    "# 0.5, 1.5, 2, -1, 0.8, 0.3",
    "# 1, 2, nan, 0, nan, 0.3",
)
TAIL = """#
#  Elapsed Time: 0.25 seconds (Warm-up)
#                0.5 seconds (Sampling)
#                0.75 seconds (Total)
#
"""


def _file(path, chain, draws=8, tail=TAIL):
    rng = np.random.default_rng(chain)
    rows = rng.normal(size=(draws, 3))
    own = "-1,0.9,0.5,3,7,0,2.5"
    lines = [own.replace(",0,2.5", ",1,2.5") if i == 2 else own for i in range(draws)]
    text = "".join(f"{line},{','.join(map(repr, map(float, row)))}\n" for line, row in zip(lines, rows))
    path.write_text(HEAD + text + tail, encoding="utf-8")
    return rows


def test_chains_of_cmdstan_are_a_fit(tmp_path):
    rows = [_file(tmp_path / f"draws_{i}.csv", i) for i in (1, 2, 10)]
    fit = catena.read(tmp_path / "draws_*.csv")
    assert fit["theta"].shape == (3, 8, 2) and fit["mu"].shape == (3, 8)
    # 10 comes after 2.
    assert np.array_equal(fit.draws, np.stack(rows))
    assert [chain.stepsize for chain in fit.chains] == [0.5] * 3 and fit.chains[2].divergences == 1
    assert fit.chains[0].inv_metric.tolist() == [1, 2, 3] and fit.chains[0].sampling_seconds == 0.5
    assert fit.chains[0].saturated == 8 and fit.seed == 77 and fit.options["model"] == "schools_model"
    assert fit.summary().names == ["lp__", "mu", "theta.1", "theta.2"] and fit.summary().divergences == 3
    fit.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "3 chains of 8 draws each" in page and 'id="warmup"' in page and 'id="times"' in page
    with pytest.raises(ValueError, match="read from files"):
        catena.resume(catena.FunctionModel(lambda x: (0.0, x), 1), fit)


def test_shorter_files_and_those_cut_off_are_told_of(tmp_path):
    _file(tmp_path / "a.csv", 1)
    _file(tmp_path / "b.csv", 2, draws=6, tail="-1,0.9")
    with pytest.warns(catena.CatenaWarning) as told:
        fit = catena.read([tmp_path / "a.csv", str(tmp_path / "b.csv")])
    words = " ".join(str(one.message) for one in told)
    assert "b.csv' was cut off at line (of an Arrow file: row) 20," in words
    assert "8, 6 draws: each was cut to the first 6" in words
    assert fit.draws.shape == (2, 6, 3)


def test_sets_of_particles_are_particles(tmp_path):
    for number, evidence in ((3, 1.0), (4, 3.0)):
        rows = "".join(f"-1,{float(np.log(evidence))!r},{number},0,{x}\n" for x in (1.0, 3.0))
        stages = "\n".join(STAGES) + "\n"
        (tmp_path / f"set_{number}.csv").write_text("# method = smc\nlp__,log_weight__,set__,ancestor__,x\n" + rows + stages)
    found = catena.read(str(tmp_path / "set_?.csv"))
    assert isinstance(found, catena.Particles) and [one.id for one in found.sets] == [3, 4]
    assert found.log_evidence == pytest.approx(np.log(2)) and found.standard_error == pytest.approx(0.5)
    assert [stage.way for stage in found.sets[0].stages] == [0.5, 1.0] and found.sets[0].stages[0].ancestors == 2
    assert found.means()["x"][0] == pytest.approx(2)
    found.report(tmp_path / "page.html")
    assert "2 sets, 2 stages, 4 particles" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_is_no_file_of_draws_gets_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="'files': there is no file"):
        catena.read(tmp_path / "nowhere.csv")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        catena.read(str(tmp_path / "*.csv"))
    with pytest.raises(ValueError, match="at least one file"):
        catena.read([])
    for name, content, words in (
        ("empty.csv", b"", "expected a line with the names of the columns, got an empty file"),
        ("numbers.csv", b"1,2\n3,4\n", "line 1: expected the names of the columns"),
        ("text.csv", b"a,b\n1,two\n", "line 2: expected a number in column 'b', got 'two'"),
        ("short.csv", b"a,b\n1\n", "line 2: expected 2 cells, got 1"),
        ("nothing.csv", b"a,b\n", "no draws after warm-up"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00", "picture.png"),
        ("half.arrow", b"ARROW1\x00\x00\xff\xff", "Arrow file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(catena.CatenaError, match=words):
            catena.read(tmp_path / name)
    _file(tmp_path / "a.csv", 1)
    (tmp_path / "other.csv").write_text("lp__,mu\n1,2\n")
    with pytest.raises(catena.CatenaError, match="its columns are not those of .*a.csv.*expected 'accept_stat__', got 'mu'"):
        catena.read([tmp_path / "a.csv", tmp_path / "other.csv"])
    with pytest.raises(catena.CatenaError, match="folder|directory"):
        catena.read(tmp_path)
