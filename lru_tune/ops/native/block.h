// A residual block around the recurrence, whole:
//
//   n_t = (x_t - mean) gain + bias,    h_t = lambda h_{t-1} + B n_t,    y_t = Re(C h_t) + D n_t,
//   v_t = gelu(y_t) m,                 out_t = x_t + (V v_t + b) sigmoid(W v_t + c) m',
//
// or with v_t itself in the place of V v_t + b ("half"). It works on a chunk of time of some sequences,
// few enough that everything between x and out stays in the second-level cache.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "numbers.h"
#include "products.h"

namespace lru_tune {

// Rows of what is computed here are padded: h_row, n2_row and mixed_row numbers apart.
struct Sizes {
  int64_t length, batch, h, n2, mixed;  // n2 is 2N; mixed is 2H, values and gates, or H, gates alone
  int64_t last;                         // steps whose states are read, the last ones
  int64_t parts, steps;                 // parts of the batch, and steps of a chunk of time

  int64_t h_row() const { return row_of(h); }
  int64_t n2_row() const { return row_of(n2); }
  int64_t mixed_row() const { return row_of(mixed); }
  int64_t first_read() const { return length - last; }
  bool full() const { return mixed == 2 * h; }
};

// Some sequences over all of time. Parts share no sum, and how many there are does not depend on the number
// of threads, so that results do not either.
struct Part {
  Part(const Sizes& s, int64_t index)
      : first(index * s.batch / s.parts), count((index + 1) * s.batch / s.parts - first) {
    for (int64_t t = 0; t < s.first_read(); t += s.steps) begins.push_back(t);
    for (int64_t t = s.first_read(); t < s.length; t += s.steps) begins.push_back(t);
    begins.push_back(s.length);
  }

  int64_t chunks() const { return static_cast<int64_t>(begins.size()) - 1; }

  int64_t first, count;         // sequences
  std::vector<int64_t> begins;  // of chunks: none has both steps that are read and others
};

// A chunk of time of a part. Its rows are its sequences, step by step.
struct Chunk {
  Chunk(const Sizes& s, const Part& part, int64_t index)
      : index(index), begin(part.begins[index]), steps(part.begins[index + 1] - begin),
        first(part.first), count(part.count), rows(steps * count), read(begin >= s.first_read()) {}

  // Call work(row, at, sequence) for each row: it lies at `at` in an array (T, B, H) that begins with step
  // `from`, and at `sequence` in one of (B, H).
  template <typename F>
  void each(const Sizes& s, int64_t from, const F& work) const {
    for (int64_t t = 0, row = 0; t < steps; ++t)
      for (int64_t i = 0; i < count; ++i, ++row)
        work(row, ((begin + t - from) * s.batch + first + i) * s.h, (first + i) * s.h);
  }

  int64_t index, begin, steps, first, count, rows;
  bool read;
};

template <typename T>
struct Weights {
  const T *mean, *gain, *bias;  // (H,)
  const T* decay;               // (2N,)
  const T *enter, *read;        // (H, 2N), (2N, H), in panels
  const T* skip;                // (H,)
  const T* mix;                 // (H, mixed), in panels
  const T* mix_bias;            // (mixed,)
  const T* zeros;               // (H,)
  const T *enter_back, *read_back, *mix_back;  // enter, read and mix transposed, in panels
};

template <typename T>
struct Inputs {
  const T *x, *mask_states, *mask_mixed;  // (T, B, H), (B, H), (B, H)
};

// What a chunk computes on its way, (rows, padded width) each.
template <typename T>
struct Values {
  T *normed, *states, *pre, *active, *mixed;  // widths H, 2N, H, H, mixed
};

template <typename T>
void normalise(const Sizes& s, const Chunk& c, const Weights<T>& w, const Inputs<T>& in,
               const Values<T>& v) {
  c.each(s, 0, [&](int64_t row, int64_t at, int64_t) {
    normalise_row(s.h, in.x + at, w.mean, w.gain, w.bias, v.normed + row * s.h_row());
  });
}

// The way there, up to what is mixed. `entering` (count, 2N) are the states before; null at the first chunk.
template <typename T>
void forward(const Sizes& s, const Chunk& c, const Weights<T>& w, const Inputs<T>& in,
             const T* entering, const Values<T>& v) {
  normalise(s, c, w, in, v);
  multiply(c.rows, s.h, s.n2, v.normed, w.enter, v.states);
  const int64_t step = c.count * s.n2_row();
  for (int64_t t = 0; t < c.steps; ++t) {
    const T* before = t == 0 ? entering : v.states + (t - 1) * step;
    if (before == nullptr) continue;
    for (int64_t i = 0; i < step; i += s.n2_row())
      advance(s.n2 / 2, w.decay, before + i, v.states + t * step + i);
  }
  if (!c.read) return;
  for (int64_t at = 0; at < c.rows * s.h_row(); at += s.h_row())
    skip_row(s.h, v.normed + at, w.skip, v.pre + at);
  multiply(c.rows, s.n2, s.h, v.states, w.read, v.pre, true);
  c.each(s, 0, [&](int64_t row, int64_t, int64_t sequence) {
    const int64_t at = row * s.h_row();
    activate_row(s.h, v.pre + at, in.mask_states + sequence, v.active + at);
  });
  multiply(c.rows, s.h, s.mixed, v.active, w.mix, v.mixed);
}

// What a row of the outputs is made of.
template <typename T>
Gate<T> gate_of(const Sizes& s, const Weights<T>& w, const Inputs<T>& in, const Values<T>& v,
                int64_t row, int64_t sequence) {
  const T* mixed = v.mixed + row * s.mixed_row();
  const T* mask = in.mask_mixed + sequence;
  if (s.full()) return {mixed, w.mix_bias, mixed + s.h, w.mix_bias + s.h, mask};
  return {v.active + row * s.h_row(), w.zeros, mixed, w.mix_bias, mask};
}

// Gate, mask, and add to x; outputs (last, B, H).
template <typename T>
void write(const Sizes& s, const Chunk& c, const Weights<T>& w, const Inputs<T>& in,
           const Values<T>& v, T* outputs) {
  const T* x = in.x + s.first_read() * s.batch * s.h;
  c.each(s, s.first_read(), [&](int64_t row, int64_t at, int64_t sequence) {
    gate_row(s.h, gate_of(s, w, in, v, row, sequence), x + at, outputs + at);
  });
}

// Sums over rows: the gradients of the parameters, shaped as in Weights, matrices with padded columns.
template <typename T>
struct Sums {
  T *enter, *read, *mix, *gain, *bias, *decay, *skip, *mix_bias;

  static std::array<int64_t, 8> counts(const Sizes& s) {
    return {s.h * padded(s.n2), s.n2 * padded(s.h), s.h * padded(s.mixed), s.h, s.h, s.n2, s.h, s.mixed};
  }

  static int64_t total(const Sizes& s) {
    const auto all = counts(s);
    return std::accumulate(all.begin(), all.end(), int64_t{0});
  }

  // All of them, one behind the other.
  static Sums in(const Sizes& s, T* numbers) {
    Sums sums{};
    const auto sizes = counts(s);
    T** all[] = {&sums.enter, &sums.read,  &sums.mix,  &sums.gain,
                 &sums.bias,  &sums.decay, &sums.skip, &sums.mix_bias};
    for (size_t i = 0; i < sizes.size(); ++i) {
      *all[i] = numbers;
      numbers += sizes[i];
    }
    return sums;
  }
};

// Gradients on the way back, (rows, padded width) each; `slope` is gelu' m.
template <typename T>
struct Grads {
  T *normed, *states, *pre, *slope, *mixed;  // widths H, 2N, H, H, mixed
  T* unused;                                 // (H,), for sums that nobody reads
};

// From `grad` of the outputs, (last, B, H), to that of what is read from the states, before `slope`, in g.pre.
template <typename T>
void unmix(const Sizes& s, const Chunk& c, const Weights<T>& w, const Inputs<T>& in,
           const Values<T>& v, const T* grad, const Grads<T>& g, const Sums<T>& sums) {
  c.each(s, s.first_read(), [&](int64_t row, int64_t at, int64_t sequence) {
    const int64_t here = row * s.h_row();
    activate_with_slope_row(s.h, v.pre + here, in.mask_states + sequence, v.active + here,
                            g.slope + here);
    T* mixed = g.mixed + row * s.mixed_row();
    const Gate<T> gate = gate_of(s, w, in, v, row, sequence);
    if (s.full())
      ungate_row(s.h, gate, grad + at, mixed, mixed + s.h, sums.mix_bias, sums.mix_bias + s.h);
    else
      ungate_row(s.h, gate, grad + at, g.pre + here, mixed, g.unused, sums.mix_bias);
  });
  add_outer(c.rows, s.h, s.mixed, v.active, g.mixed, sums.mix);
  multiply(c.rows, s.mixed, s.h, g.mixed, w.mix_back, g.pre, !s.full());
}

// The way back. `following` (count, 2N) is the gradient of the states of the step after the chunk, null at the
// last chunk, and is left with that of the chunk's first step in `leaving`.
template <typename T>
void backward(const Sizes& s, const Chunk& c, const Weights<T>& w, const Inputs<T>& in,
              const Values<T>& v, const T* grad, const T* following, T* leaving,
              const Grads<T>& g, const Sums<T>& sums, T* grad_x) {
  if (c.read) {
    unmix(s, c, w, in, v, grad, g, sums);
    for (int64_t at = 0; at < c.rows * s.h_row(); at += s.h_row())
      unskip_row(s.h, g.slope + at, v.normed + at, w.skip, g.pre + at, g.normed + at, sums.skip);
    multiply(c.rows, s.h, s.n2, g.pre, w.read_back, g.states);
  } else {
    std::fill_n(g.normed, c.rows * s.h_row(), T(0));
    std::fill_n(g.states, c.rows * s.n2_row(), T(0));
  }
  const int64_t step = c.count * s.n2_row();
  for (int64_t t = c.steps - 1; t >= 0; --t) {
    const T* after = t == c.steps - 1 ? following : g.states + (t + 1) * step;
    if (after == nullptr) continue;
    for (int64_t i = 0; i < step; i += s.n2_row())
      retreat(s.n2 / 2, w.decay, v.states + t * step + i, after + i, g.states + t * step + i,
              sums.decay);
  }
  std::copy_n(g.states, step, leaving);
  // Only now: the states came from memory row by row above, and lie in the cache.
  if (c.read) add_outer(c.rows, s.n2, s.h, v.states, g.pre, sums.read);
  add_outer(c.rows, s.h, s.n2, v.normed, g.states, sums.enter);
  multiply(c.rows, s.n2, s.h, g.states, w.enter_back, g.normed, true);
  c.each(s, 0, [&](int64_t row, int64_t at, int64_t) {
    if (c.read)
      std::copy_n(grad + at - s.first_read() * s.batch * s.h, s.h, grad_x + at);
    else
      std::fill_n(grad_x + at, s.h, T(0));
    unnormalise_row(s.h, g.normed + row * s.h_row(), in.x + at, w.mean, w.gain, grad_x + at, sums.gain,
                    sums.bias);
  });
}

}  // namespace lru_tune
