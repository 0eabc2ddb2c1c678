// Products of matrices that lie in the second-level cache.
//
// A BLAS copies both factors into an order of its own at each call. Here one factor comes in that order, panels
// of PANEL columns, or is so narrow that its rows are read as they lie; the other is read number by number.

#pragma once

#include <cstdint>

namespace lru_tune {

constexpr int64_t PANEL = 32;    // columns; widths are padded to a multiple of it
constexpr int64_t ROW_GAP = 16;  // numbers between rows

// Bytes of a vector register, and rows of a tile of sums that fills the registers.
#if defined(__AVX512F__)
constexpr int64_t VECTOR_BYTES = 64, TILE_ROWS = 12;
#elif defined(__AVX__)
constexpr int64_t VECTOR_BYTES = 32, TILE_ROWS = 6;
#elif defined(__ARM_NEON)
constexpr int64_t VECTOR_BYTES = 16, TILE_ROWS = 12;
#else
constexpr int64_t VECTOR_BYTES = 16, TILE_ROWS = 6;
#endif
constexpr int64_t TILE_VECTORS = 2;  // in a row of a tile

constexpr int64_t padded(int64_t width) { return (width + PANEL - 1) / PANEL * PANEL; }

// From one row to the next: an odd number of cache lines, so that a panel's rows do not share their places in
// the first-level cache.
constexpr int64_t row_of(int64_t width) { return padded(width) + ROW_GAP; }

template <typename T>
struct Vectors {
  typedef T Vector __attribute__((vector_size(VECTOR_BYTES)));
  typedef T InMemory __attribute__((vector_size(VECTOR_BYTES), aligned(alignof(T)), may_alias));
  static constexpr int64_t COLUMNS = TILE_VECTORS * VECTOR_BYTES / sizeof(T);  // of a tile
};

// Where the factors of a tile's sums lie: number (i, k) of the left one at i * row + k * inner, row k of the
// panel at k * panel_row.
struct Strides {
  int64_t row, inner, panel_row;
};

// out (ROWS, COLUMNS) = sum_k left(:, k) panel(k, :), added to what is there if `add`.
template <int64_t ROWS, typename T>
void tile(int64_t inner, const T* left, const T* panel, Strides at, T* out, int64_t out_row, bool add) {
  using L = Vectors<T>;
  using InMemory = typename L::InMemory;
  typename L::Vector sums[ROWS][TILE_VECTORS] = {};
  for (int64_t k = 0; k < inner; ++k) {
    const auto* b = reinterpret_cast<const InMemory*>(panel + k * at.panel_row);
#pragma GCC unroll 16
    for (int64_t i = 0; i < ROWS; ++i)
#pragma GCC unroll 16
      for (int64_t j = 0; j < TILE_VECTORS; ++j) sums[i][j] += left[i * at.row + k * at.inner] * b[j];
  }
#pragma GCC unroll 16  // whole, or the sums would have addresses and could not stay in registers
  for (int64_t i = 0; i < ROWS; ++i) {
    auto* there = reinterpret_cast<InMemory*>(out + i * out_row);
#pragma GCC unroll 16
    for (int64_t j = 0; j < TILE_VECTORS; ++j) there[j] = add ? there[j] + sums[i][j] : sums[i][j];
  }
}

// One panel of columns of a product, for all rows of the left factor: in tiles of ROWS, then in smaller ones.
template <int64_t ROWS, typename T>
void strip(int64_t rows, int64_t inner, const T* left, const T* panel, Strides at, T* out,
           int64_t out_row, bool add) {
  int64_t i = 0;
  for (; i + ROWS <= rows; i += ROWS)
    for (int64_t j = 0; j < PANEL; j += Vectors<T>::COLUMNS)
      tile<ROWS>(inner, left + i * at.row, panel + j, at, out + i * out_row + j, out_row, add);
  if constexpr (ROWS > 1)
    if (i < rows)
      strip<ROWS / 2 + (ROWS > 8) * 2>(rows - i, inner, left + i * at.row, panel, at, out + i * out_row,
                                       out_row, add);
}

// out (rows, columns) = a (rows, inner) b (inner, columns), added to what is there if `add`. Rows of a and out
// are as far apart as `row_of` says; b is in panels (columns / PANEL, inner, PANEL).
template <typename T>
void multiply(int64_t rows, int64_t inner, int64_t columns, const T* a, const T* b, T* out,
              bool add = false) {
  const Strides at{row_of(inner), 1, PANEL};
  for (int64_t j = 0; j < columns; j += PANEL)
    strip<TILE_ROWS>(rows, inner, a, b + j * inner, at, out + j, row_of(columns), add);
}

// out (inner, columns) += a^T b, for many rows of a (rows, inner) and b (rows, columns). Rows of out are as long
// as `padded` says.
template <typename T>
void add_outer(int64_t rows, int64_t inner, int64_t columns, const T* a, const T* b, T* out) {
  const Strides at{1, row_of(inner), row_of(columns)};
  for (int64_t j = 0; j < columns; j += PANEL)
    strip<TILE_ROWS>(inner, rows, a, b + j, at, out + j, padded(columns), true);
}

}  // namespace lru_tune
