import numpy as np
import pytest

from lru_tune.errors import ConfigError
from lru_tune.results.reading.spectra import Spectra, by_layer, states, write_spectra

SPECTRA = Spectra(
    before=[np.array([0.5 + 0.5j, 0.1 - 1 / 3j], dtype=np.complex64), np.array([0.9 + 0j])],
    after=[np.array([0.6 + 0.5j, 0.2j], dtype=np.complex64), np.array([0.99 + 0j])],
    gamma_before=[np.array([0.3, 0.4], dtype=np.float32), np.array([0.1])],
    gamma_after=[np.array([0.2, 0.5], dtype=np.float32), np.array([0.2])],
)


def test_what_is_written_is_read_to_the_last_digit(tmp_path):
    write_spectra(tmp_path, "0007-abc", SPECTRA)
    for written, read in zip(SPECTRA, by_layer(states(tmp_path)), strict=True):
        for layer, again in zip(written, read, strict=True):
            assert np.array_equal(layer, again.astype(layer.dtype))


def test_every_state_is_a_row_with_its_layer_and_the_trial(tmp_path):
    write_spectra(tmp_path, "0007-abc", SPECTRA)
    frame = states(tmp_path)
    assert list(zip(frame["layer"], frame["state"], strict=True)) == [(0, 0), (0, 1), (1, 0)]
    assert set(frame["trial"]) == {"0007-abc"}
    assert frame["after"].dtype == "complex128"
    assert frame["after"].abs().round(6).tolist() == [0.781025, 0.2, 0.99]


def test_a_variant_without_gains_has_none_after_reading(tmp_path):
    none = [np.empty(0), np.empty(0)]
    write_spectra(tmp_path, "0000-a", SPECTRA._replace(gamma_before=none, gamma_after=none))
    assert states(tmp_path)["gamma_before"].isna().all()
    assert [len(layer) for layer in by_layer(states(tmp_path)).gamma_after] == [0, 0]


def test_an_experiment_without_them_says_what_writes_them(tmp_path):
    with pytest.raises(ConfigError) as refused:
        states(tmp_path)
    assert refused.value.code == "results.no-spectra"
