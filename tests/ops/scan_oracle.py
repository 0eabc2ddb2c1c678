"""The scan's slow twin: a loop in complex128, with its gradients written out."""

import numpy as np


def loop(decay: np.ndarray, drive: np.ndarray, reverse: bool) -> np.ndarray:
    """Return h_t = lambda h_{t-1} + b_t, (T, B, N), one step after the other."""
    states = np.zeros_like(drive)
    state = np.zeros_like(drive[0])
    order = range(len(drive))
    for t in reversed(order) if reverse else order:
        state = decay * state + drive[t]
        states[t] = state
    return states


def loop_gradients(
    decay: np.ndarray, states: np.ndarray, weight: np.ndarray, reverse: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of sum(Re(conj(weight) h)) by lambda and b.

    Every h_t depends on lambda and on all earlier b. `states` are those of `loop`.
    """
    grad_drive = loop(np.conj(decay), weight, not reverse)
    previous = np.zeros_like(states)
    if reverse:
        previous[:-1] = states[1:]
    else:
        previous[1:] = states[:-1]
    return (grad_drive * np.conj(previous)).sum(axis=(0, 1)), grad_drive


def planes(z: np.ndarray) -> np.ndarray:
    """Return complex numbers as the scans take them: real parts, then imaginary parts, (..., 2N)."""
    return np.concatenate([z.real, z.imag], axis=-1)
