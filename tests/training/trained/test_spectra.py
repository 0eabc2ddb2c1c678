import numpy as np
import pytest

from lru_tune.config.schema import DenseRecurrence
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.training.checkpoint import BEST, read_checkpoint
from lru_tune.training.loop import Run, train
from lru_tune.training.trained.spectra import read_spectra


def eigenvalues(params):
    """The LRU's, as the paper writes them: exp(-exp(nu_log) + i exp(theta_log))."""
    return np.exp(-np.exp(params["nu_log"]) + 1j * np.exp(params["theta_log"]))


def test_spectra_are_those_of_the_first_and_of_the_best_parameters(config, twins, tmp_path):
    first = Run(config, twins, tmp_path / "untrained").state.params
    list(train(config, data_root=twins, run_dir=tmp_path / "run"))
    best = read_checkpoint(tmp_path / "run" / runs.CHECKPOINT_FOLDER / BEST)["params"]
    layers = read_spectra(tmp_path / "run")
    assert len(layers) == 2
    for number, layer in enumerate(layers):
        old, new = (tree[f"block_{number}"]["recurrence"] for tree in (first, best))
        # float32 against NumPy's own order of the same operations
        np.testing.assert_allclose(layer.before, eigenvalues(old), rtol=2e-6)
        np.testing.assert_allclose(layer.after, eigenvalues(new), rtol=2e-6)
        np.testing.assert_allclose(layer.gamma_before, np.exp(old["gamma_log"]), rtol=2e-6)
        np.testing.assert_allclose(layer.gamma_after, np.exp(new["gamma_log"]), rtol=2e-6)
        assert not np.array_equal(layer.before, layer.after)


def test_a_dense_recurrence_has_no_spectrum(config, twins, tmp_path):
    dense = config.model.model_copy(update={"recurrence": DenseRecurrence(activation="tanh")})
    Run(config.model_copy(update={"variant": "rnn-tanh", "model": dense}), twins, tmp_path / "run")
    with pytest.raises(ConfigError, match="dense recurrence has no eigenvalues"):
        read_spectra(tmp_path / "run")
