import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.figures import parametrization_landscape as figure
from lru_tune.models.eigenvalues import EIGENVALUES, polar

FEW = figure.Settings(phases=(0.0, 0.125, 0.25, 0.5))


@pytest.fixture(scope="module")
def paths():
    return figure.measure(FEW)


def test_the_statements_hold_for_fewer_phases(paths):
    assert [statement for statement in figure.judge(FEW, paths) if not statement.holds] == []


def test_the_loss_is_the_papers():
    target = 0.9 * np.exp(0.4j)
    planes = (jnp.float32((target**6).real), jnp.float32((target**6).imag))
    found = figure.loss_of(jnp.float32(0.5), jnp.float32(0.6), planes, 6)
    expected = 0.5 * abs((0.5 + 0.6j) ** 6 - target**6) ** 2
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_start_and_target_have_the_same_modulus_and_the_turn_between_them(paths):
    for name in figure.RIVALS:
        start = paths.path[name][:, 0, 0]
        np.testing.assert_allclose(np.abs(start), np.exp(-FEW.nu), rtol=1e-5)
        turn = np.pi * np.asarray(FEW.phases) - np.angle(start)
        np.testing.assert_allclose(turn, FEW.turn * np.pi / FEW.power, atol=1e-5)
        expected = 2 * np.exp(-2 * FEW.power * FEW.nu) * np.sin(FEW.turn * np.pi / 2) ** 2
        np.testing.assert_allclose(paths.loss[name][:, 0, 0], expected, rtol=1e-3)


def test_both_begin_at_the_same_point_with_the_same_loss(paths):
    cartesian, exp = (paths.path[name][:, :, 0] for name in figure.RIVALS)
    np.testing.assert_allclose(cartesian, exp, atol=1e-6)


def test_at_the_target_the_hessian_is_a_multiple_of_the_identity_in_both():
    """The residual is holomorphic in either pair, so that the axes matter only on the way there."""
    k, nu, theta = 10, 0.02, 0.6
    target = polar(jnp.float32(k * nu), jnp.float32(k * theta))
    for name in figure.RIVALS:
        coordinates = EIGENVALUES[name]

        def loss(params, value=coordinates.value):
            return figure.loss_of(*value(*params), target, k)

        at = coordinates.params(jnp.float32(nu), jnp.float32(theta))
        hessian = np.asarray(jax.jit(jax.hessian(loss))(at))
        np.testing.assert_allclose(
            hessian, hessian[0, 0] * np.eye(2), atol=1e-3 * hessian[0, 0], err_msg=name
        )


def test_a_step_along_the_circle_turns_and_one_along_the_radius_does_not():
    point = 0.9 * np.exp(0.3j)
    along = np.array([[point, point * np.exp(0.01j)], [point, point * 0.99]])
    np.testing.assert_allclose(figure.turning_share(along), [1.0, 0.0], atol=1e-12)


def test_a_rival_that_learns_as_fast_refutes_the_claim(paths):
    same = paths._replace(loss=dict.fromkeys(figure.RIVALS, paths.loss["exp"]))
    assert [statement.holds for statement in figure.judge(FEW, same)[:2]] == [False, False]


def test_landscapes_show_the_way_and_the_other_panels_both_rivals(paths):
    canvas = figure.draw(FEW, paths)
    landscapes, others = canvas.axes[:5], canvas.axes[5:]
    titles = [axes.get_title() for axes in landscapes]
    phases = ("0", "0.125", "0.25", "0.5")
    assert titles == [*(f"Re + Im, phase {x} pi" for x in phases), "exp, phase 0.25 pi"]
    way = paths.path["cartesian"][2, 1]
    np.testing.assert_array_equal(landscapes[2].lines[0].get_data(), (way.real, way.imag))
    for axes in others:
        assert [line.get_label() for line in axes.lines] == ["Re + Im", "exp"]
    assert others[1].lines[0].get_ydata()[2] == FEW.steps
