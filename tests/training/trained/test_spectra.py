import numpy as np
import pytest

from lru_tune.config.config_files import dump_run_config
from lru_tune.config.schema import DenseRecurrence
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.training.checkpoint import BEST, read_checkpoint
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.programs.compiled import programs_of
from lru_tune.training.trained.spectra import read_spectra


def eigenvalues(params):
    """The LRU's, as the paper writes them: exp(-exp(nu_log) + i exp(theta_log))."""
    return np.exp(-np.exp(params["nu_log"]) + 1j * np.exp(params["theta_log"]))


def test_spectra_are_those_of_the_first_and_of_the_best_parameters(config, completed):
    first = programs_of(config).init(hyperparameters(config)).params
    best = read_checkpoint(completed / runs.CHECKPOINT_FOLDER / BEST)["params"]
    layers = read_spectra(completed)
    assert len(layers) == 2
    for number, layer in enumerate(layers):
        old, new = (tree[f"block_{number}"]["recurrence"] for tree in (first, best))
        # float32 against NumPy's own order of the same operations
        np.testing.assert_allclose(layer.before, eigenvalues(old), rtol=2e-6)
        np.testing.assert_allclose(layer.after, eigenvalues(new), rtol=2e-6)
        np.testing.assert_allclose(layer.gamma_before, np.exp(old["gamma_log"]), rtol=2e-6)
        np.testing.assert_allclose(layer.gamma_after, np.exp(new["gamma_log"]), rtol=2e-6)
        assert not np.array_equal(layer.before, layer.after)


def test_a_dense_recurrence_has_no_spectrum(config, tmp_path):
    dense = config.model.model_copy(update={"recurrence": DenseRecurrence(activation="tanh")})
    config = config.model_copy(update={"variant": "rnn-tanh", "model": dense})
    (tmp_path / runs.CONFIG_FILE).write_text(dump_run_config(config))
    with pytest.raises(ConfigError) as error:
        read_spectra(tmp_path)
    assert error.value.code == "training.dense-spectrum"
