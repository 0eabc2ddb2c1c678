"""Two documents are read by one encoder, and compared by four features of the pair."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.schema import ModelConfig
from lru_tune.models.build import build_model
from lru_tune.models.network import match_features
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.tasks import TASKS

TRACED = TracedHyperparameters(r_min=0.5, r_max=0.99, max_phase=6.28, dropout=0.0)
WIDTH = 8
CONFIG = ModelConfig(n_layers=2, d_model=WIDTH, d_hidden=6, dropout=0.0)
AAN = dataclasses.replace(TASKS["aan"], max_length=50)
# The same encoder for single documents: with the identity for a head, its logits are what it pooled.
ENCODER = dataclasses.replace(AAN, head="classify", num_classes=WIDTH)
LENGTHS = jnp.array([[50, 7], [1, 50], [30, 31]])


@pytest.fixture
def documents() -> jax.Array:
    return jax.random.randint(jax.random.key(5), (3, 2, 50), 0, 128).astype(jnp.uint8)


def variables_of(pooling: str):
    model = build_model(CONFIG.model_copy(update={"pooling": pooling}), AAN)
    variables = jax.jit(model.init)(jax.random.key(0), TRACED)
    noise = jax.tree.map(
        lambda x: x + 0.1 * jax.random.normal(jax.random.key(1), x.shape), variables["params"]
    )
    return model, variables | {"params": noise}


def encoder_of(variables, pooling: str):
    model = build_model(CONFIG.model_copy(update={"pooling": pooling}), ENCODER)
    shared = {name: part for name, part in variables["params"].items() if name != "match"}
    identity = {"kernel": jnp.eye(WIDTH), "bias": jnp.zeros(WIDTH)}
    return model, variables | {"params": shared | {"head": identity}}


def test_features_of_a_swapped_pair_are_the_swapped_features():
    pair = jax.random.normal(jax.random.key(0), (3, 2, WIDTH))
    a, b, difference, product = jnp.split(match_features(pair), 4, axis=-1)
    np.testing.assert_array_equal(jnp.stack([a, b], axis=1), pair)
    np.testing.assert_array_equal(difference, pair[:, 0] - pair[:, 1])
    np.testing.assert_array_equal(product, pair[:, 0] * pair[:, 1])
    swapped = jnp.split(match_features(pair[:, ::-1]), 4, axis=-1)
    np.testing.assert_array_equal(swapped, [b, a, -difference, product])


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_a_pair_is_its_documents_encoded_one_by_one(pooling, documents):
    model, variables = variables_of(pooling)
    encoder, alone = encoder_of(variables, pooling)
    encode = jax.jit(encoder.predict)
    pooled = [
        [encode(alone, documents[row, None, k], LENGTHS[row, None, k])[0] for k in range(2)]
        for row in range(3)
    ]
    a, b = jnp.array(pooled).swapaxes(0, 1)
    layer, head = variables["params"]["match"], variables["params"]["head"]
    features = jnp.hstack([a, b, a - b, a * b])
    hidden = nn.gelu(features @ layer["kernel"] + layer["bias"][None])
    logits = hidden @ head["kernel"] + head["bias"][None]
    found = jax.jit(model.predict)(variables, documents, LENGTHS)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)


def test_swapping_the_documents_swaps_the_rows_of_the_layer_that_compares(documents):
    model, variables = variables_of("mean")
    kernel = variables["params"]["match"]["kernel"]
    a, b, difference, product = jnp.split(kernel, 4)
    layer = variables["params"]["match"] | {"kernel": jnp.vstack([b, a, -difference, product])}
    swapped = variables | {"params": variables["params"] | {"match": layer}}
    np.testing.assert_allclose(
        jax.jit(model.predict)(variables, documents, LENGTHS),
        jax.jit(model.predict)(swapped, documents[:, ::-1], LENGTHS[:, ::-1]),
        rtol=1e-4,
        atol=1e-5,
    )


def test_batch_statistics_are_those_of_all_documents(documents):
    model, variables = variables_of("mean")
    encoder, alone = encoder_of(variables, "mean")
    key = jax.random.key(2)
    _, ours = jax.jit(model.train)(variables, documents, LENGTHS, TRACED, key)
    one_by_one = documents.reshape(6, 50), LENGTHS.reshape(6)
    _, theirs = jax.jit(encoder.train)(alone, *one_by_one, TRACED, key)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5), ours, theirs)
    assert "block_1" in ours
