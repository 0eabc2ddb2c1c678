// What a block does to single numbers and to rows of them, written so that compilers vectorise it.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace lru_tune {

inline double exponential(double x) { return std::exp(x); }

// exp(x) to two units in the last place: 2^n e^r with |r| <= ln(2) / 2, e^r by Taylor's series. A call to
// the C library would keep loops from being vectorised.
inline float exponential(float x) {
  x = std::min(std::max(x, -87.0f), 88.0f);
  constexpr float ROUND = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float n = (x * 1.44269504f + ROUND) - ROUND;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln(2) in two parts
  float series = 1.0f / 5040;
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return series * power;
}

template <typename T>
inline T sigmoid(T x) {
  return T(1) / (T(1) + exponential(-x));
}

constexpr double GELU_SLOPE = 1.5957691216057308;  // 2 sqrt(2 / pi)
constexpr double GELU_CUBE = 0.044715;

// A function's value and derivative.
template <typename T>
struct Smooth {
  T value, slope;
};

// x Phi(x) in its approximation by tanh, which is x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)).
template <typename T>
inline Smooth<T> gelu_and_slope(T x) {
  const T s = sigmoid(T(GELU_SLOPE) * (x + T(GELU_CUBE) * x * x * x));
  const T inner = T(GELU_SLOPE) * (T(1) + T(3 * GELU_CUBE) * x * x);
  return {x * s, s + x * s * (T(1) - s) * inner};
}

template <typename T>
inline T gelu(T x) {
  return gelu_and_slope(x).value;
}

// h += lambda p for n channels: real parts in the first n numbers, imaginary parts in the last n.
template <typename T>
void advance(int64_t n, const T* __restrict decay, const T* __restrict p, T* __restrict h) {
  for (int64_t k = 0; k < n; ++k) {
    h[k] += decay[k] * p[k] - decay[k + n] * p[k + n];
    h[k + n] += decay[k] * p[k + n] + decay[k + n] * p[k];
  }
}

// The adjoint of that: g += conj(lambda) p, and sum += p conj(h).
template <typename T>
void retreat(int64_t n, const T* __restrict decay, const T* __restrict h, const T* __restrict p,
             T* __restrict g, T* __restrict sum) {
  for (int64_t k = 0; k < n; ++k) {
    sum[k] += p[k] * h[k] + p[k + n] * h[k + n];
    sum[k + n] += p[k + n] * h[k] - p[k] * h[k + n];
    g[k] += decay[k] * p[k] + decay[k + n] * p[k + n];
    g[k + n] += decay[k] * p[k + n] - decay[k + n] * p[k];
  }
}

// n = (x - mean) gain + bias.
template <typename T>
void normalise_row(int64_t h, const T* __restrict x, const T* __restrict mean,
                   const T* __restrict gain, const T* __restrict bias, T* __restrict normed) {
  for (int64_t k = 0; k < h; ++k) normed[k] = (x[k] - mean[k]) * gain[k] + bias[k];
}

// The adjoint of that, added to grad_x, and to sums over rows.
template <typename T>
void unnormalise_row(int64_t h, const T* __restrict grad, const T* __restrict x,
                     const T* __restrict mean, const T* __restrict gain, T* __restrict grad_x,
                     T* __restrict gain_sum, T* __restrict bias_sum) {
  for (int64_t k = 0; k < h; ++k) {
    grad_x[k] += gain[k] * grad[k];
    gain_sum[k] += grad[k] * (x[k] - mean[k]);
    bias_sum[k] += grad[k];
  }
}

// What a row of the block's output is computed from: x + (value + value_bias) sigmoid(gate + gate_bias) mask.
template <typename T>
struct Gate {
  const T *value, *value_bias, *gate, *gate_bias, *mask;
};

template <typename T>
void gate_row(int64_t h, const Gate<T>& g, const T* __restrict x, T* __restrict out) {
  const T* __restrict value = g.value;
  const T* __restrict value_bias = g.value_bias;
  const T* __restrict gate = g.gate;
  const T* __restrict gate_bias = g.gate_bias;
  const T* __restrict mask = g.mask;
  for (int64_t k = 0; k < h; ++k)
    out[k] = x[k] + (value[k] + value_bias[k]) * sigmoid(gate[k] + gate_bias[k]) * mask[k];
}

// The adjoint of that for value and gate, and added to sums over rows.
template <typename T>
void ungate_row(int64_t h, const Gate<T>& g, const T* __restrict grad, T* __restrict grad_value,
                T* __restrict grad_gate, T* __restrict value_sum, T* __restrict gate_sum) {
  const T* __restrict value = g.value;
  const T* __restrict value_bias = g.value_bias;
  const T* __restrict gate = g.gate;
  const T* __restrict gate_bias = g.gate_bias;
  const T* __restrict mask = g.mask;
  for (int64_t k = 0; k < h; ++k) {
    const T open = sigmoid(gate[k] + gate_bias[k]), through = grad[k] * mask[k];
    const T to_value = through * open;
    const T to_gate = to_value * (value[k] + value_bias[k]) * (T(1) - open);
    grad_value[k] = to_value;
    grad_gate[k] = to_gate;
    value_sum[k] += to_value;
    gate_sum[k] += to_gate;
  }
}

// active = gelu(pre) mask.
template <typename T>
void activate_row(int64_t h, const T* __restrict pre, const T* __restrict mask, T* __restrict active) {
  for (int64_t k = 0; k < h; ++k) active[k] = gelu(pre[k]) * mask[k];
}

// The same, and its slope.
template <typename T>
void activate_with_slope_row(int64_t h, const T* __restrict pre, const T* __restrict mask,
                             T* __restrict active, T* __restrict slope) {
  for (int64_t k = 0; k < h; ++k) {
    const Smooth<T> y = gelu_and_slope(pre[k]);
    active[k] = y.value * mask[k];
    slope[k] = y.slope * mask[k];
  }
}

// out = skip n.
template <typename T>
void skip_row(int64_t h, const T* __restrict normed, const T* __restrict skip, T* __restrict out) {
  for (int64_t k = 0; k < h; ++k) out[k] = skip[k] * normed[k];
}

// The adjoint of that and of a multiplication by slope: grad becomes that before it.
template <typename T>
void unskip_row(int64_t h, const T* __restrict slope, const T* __restrict normed,
                const T* __restrict skip, T* __restrict grad, T* __restrict grad_normed,
                T* __restrict sum) {
  for (int64_t k = 0; k < h; ++k) {
    const T before = grad[k] * slope[k];
    grad[k] = before;
    grad_normed[k] = skip[k] * before;
    sum[k] += before * normed[k];
  }
}

}  // namespace lru_tune
