import json
import os
import tempfile
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from conftest import assert_same_bits, make_problem
from hypothesis import strategies as st

import fastgmm
from fastgmm import Mixture


@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_round_trip_keeps_every_bit(tmp_path, n_features):
    _, p = make_problem(1, n_features, 3, seed=n_features)
    names = tuple(f"Größe {d}, cm" for d in range(n_features))
    p = Mixture(p.weights, p.means * np.pi * 1e-300, p.covariances / 3.0, "full", names)
    p.save(tmp_path / "model.json")
    q = Mixture.load(tmp_path / "model.json")
    assert_same_bits(p, q)
    assert (q.covariance_type, q.feature_names) == ("full", names)
    assert os.listdir(tmp_path) == ["model.json"]


def document(**changes):
    return {
        "format": "fastgmm.Mixture",
        "version": 1,
        "covariance_type": "full",
        "feature_names": None,
        "weights": [0.5, 0.5],
        "means": [[0.0], [1.0]],
        "covariances": [[[1.0]], [[2.0]]],
    } | changes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[]", "lacks"),
        ("3", "lacks"),
        (document(format="other"), "lacks"),
        (document(version=2), "has model version 2; this fastgmm reads version 1"),
        (document(version=True), "has model version True; this fastgmm reads version 1"),
        (document(version=1.0), "has model version 1.0; this fastgmm reads version 1"),
        (document(extra=1), r"missing or unknown entries \['extra'\]$"),
        (document(**{"a\nb": 1}), r"missing or unknown entries \['a\\nb'\]$"),
        (document(**{"long" * 100: 1}), r"missing or unknown entries \['longlong.*\.\.\.$"),
        (document(version=[1] * 1000), r"has model version \[1, 1, .*\.\.\.; this fastgmm reads version 1$"),
        (document(feature_names=["a\ud800"]), r"feature_names must be text that UTF-8 can hold, got 'a\\ud800'$"),
        (document(feature_names=[["x" * 1000]]), r"feature_names must be a list of strings, got \[\['xxx.*\.\.\.$"),
        (json.dumps(document())[:-1] + ', "version": 1}', "not valid JSON: it has the entry 'version' twice$"),
        *(
            (json.dumps(document(**{name: 0})).replace(f'"{name}": 0', f'"{name}": {"[" * 900}1{"]" * 900}'), message)
            for name, message in (
                ("means", "means must be an array of numbers$"),
                ("feature_names", "feature_names must be a list of strings, got"),
                ("covariance_type", "covariance_type must be one of"),
                ("version", "has model version"),
            )
        ),
        (document(covariance_type="round"), "covariance_type must be one of 'full', 'tied', 'diag', 'spherical'"),
        (document(weights=[0.5]), r"weights must be of shape \(2,\)"),
        (document(weights=[0.9, 0.5]), "sum to 1"),
        (document(weights=[-0.5, 1.5]), "non-negative"),
        (document(means=[[0.0], ["a"]]), "means must be an array of numbers"),
        (document(means=[[0.0], [1.0, 2.0]]), "means must be an array of numbers"),
        (document(means=[[0.0], ["1.0"]]), "means must be an array of numbers"),
        (document(means=[[0.0], ["1_0"]]), "means must be an array of numbers"),
        (document(means=[[10**30], ["1_0"]]), "means must be an array of numbers"),
        (document(means=[[0.0], [True]]), "means must be an array of numbers"),
        (document(weights=[False, True]), "weights must be an array of numbers"),
        (document(weights=True), "weights must be an array of numbers"),
        (document(covariances=[[[1.0]], [[None]]]), "covariances must be an array of numbers"),
        (document(means=[[0.0], [10**400]]), "means must be finite"),
        (document(means=[]), "means must be of shape"),
        (document(covariances=[[[1.0]], [[0.0]]]), "component 1 is not positive definite"),
        (document(covariances=[[[1.0]], [[-1.0]]]), "component 1 is not positive definite"),
        (document(covariances=[[1.0], [2.0]]), "covariances of type 'full' must be of shape"),
        (document(feature_names=["a", "b"]), "must name 1 features, got 2"),
        (document(feature_names=[1]), "feature_names must be a list of strings"),
        (json.dumps(document()).replace("2.0", "NaN"), "not valid JSON"),
        (json.dumps(document()).replace("2.0", "1e999"), "finite"),
    ],
)
def test_what_is_not_a_model(tmp_path, text, message):
    path = tmp_path / "model.json"
    if isinstance(text, dict):
        text = json.dumps(text)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as error:
        Mixture.load(path)
    assert "model.json" in str(error.value)
    assert len(str(error.value).replace(str(path), "").splitlines()) == 1
    assert len(str(error.value).replace(str(path), "")) < 300


def test_a_byte_order_mark_is_passed_over(tmp_path):
    _, p = make_problem(1, 2, 2)
    p.save(tmp_path / "model.json")
    (tmp_path / "edited.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "model.json").read_bytes())
    assert_same_bits(Mixture.load(tmp_path / "edited.json"), p)


@pytest.mark.parametrize("name", ["a\ud800", "\udcff"])
def test_a_name_that_is_no_text_is_refused_on_saving(tmp_path, name):
    """Not before: a table may have such a column, and be fitted."""
    path = tmp_path / "model.json"
    _, p = make_problem(1, 2, 2)
    p.save(path)
    before = path.read_bytes()
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=pd.Index(["b", name], dtype=object))
    mixture = fastgmm.fit(frame, 1).mixture
    assert mixture.feature_names == ("b", name)
    with pytest.raises(ValueError, match=r"feature_names must be text that UTF-8 can hold, got '.*ud"):
        mixture.save(path)
    assert path.read_bytes() == before


def test_numbers_are_no_names(tmp_path):
    _, p = make_problem(1, 2, 2)
    with pytest.raises(TypeError, match=r"feature_names must be a list of strings, got \[0, 1\]"):
        Mixture._trusted(p.parameters, (0, 1)).save(tmp_path / "model.json")
    assert os.listdir(tmp_path) == []


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(names=st.lists(st.text(max_size=5), min_size=2, max_size=2), scale=st.floats(-300, 300))
def test_what_is_saved_can_be_loaded(names, scale):
    mixture = Mixture([1.0], 10.0 ** np.array([[scale, -scale]]), [np.eye(2)], feature_names=names)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.json"
        mixture.save(path)
        again = Mixture.load(path)
    assert_same_bits(again, mixture)
    assert again.feature_names == tuple(names)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(FileNotFoundError):
        Mixture.load(tmp_path / "none.json")
    _, p = make_problem(1, 2, 2)
    with pytest.raises(FileNotFoundError):
        p.save(tmp_path / "none" / "model.json")


def test_an_invalid_model_is_not_saved_and_the_old_file_stays(tmp_path):
    path = tmp_path / "model.json"
    _, p = make_problem(1, 2, 2)
    p.save(path)
    before = path.read_bytes()
    broken = Mixture._trusted(p.parameters._replace(means=p.means * np.nan))
    with pytest.raises(ValueError, match="means must be finite"):
        broken.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.json"]


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    _, p = make_problem(1, 2, 2)
    with pytest.raises(IsADirectoryError, match="is not a regular file"):
        p.save(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"cannot be written \(there is no directory .*none\)"):
        p.save(tmp_path / "none" / "model.json")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="cannot be written"):
        p.save(tmp_path / "file" / "model.json")
    assert os.listdir(tmp_path) == ["file"]


def test_a_symbolic_link_stays_one(tmp_path):
    _, p = make_problem(1, 2, 2)
    (tmp_path / "link.json").symlink_to("model.json")
    for _ in range(2):  # to nothing, then to a file
        p.save(tmp_path / "link.json")
        assert (tmp_path / "link.json").is_symlink()
        assert_same_bits(Mixture.load(tmp_path / "model.json"), p)
    assert sorted(os.listdir(tmp_path)) == ["link.json", "model.json"]


def test_the_rights_are_those_that_the_umask_allows(tmp_path):
    _, p = make_problem(1, 2, 2)
    before = os.umask(0o027)
    try:
        p.save(tmp_path / "model.json")
    finally:
        os.umask(before)
    assert (tmp_path / "model.json").stat().st_mode & 0o777 == 0o640


def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    _, p = make_problem(1, 2, 2)
    path = tmp_path / "model.json"
    p.save(path)
    before = path.read_bytes()

    def interrupt(document, file, **options):
        file.write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(json, "dump", interrupt)
    with pytest.raises(KeyboardInterrupt):
        p.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.json"]
