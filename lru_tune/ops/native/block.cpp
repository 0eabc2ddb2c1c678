// The block of block.h and its derivatives as two targets of XLA's foreign functions.

#include <string_view>
#include <type_traits>

#include "block.h"
#include "threads.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace lru_tune {
namespace {

// Memory of one thread, handed out in pieces and kept for the next call.
template <typename T>
class Desk {
 public:
  explicit Desk(int64_t numbers) {
    if (static_cast<int64_t>(memory().size()) < numbers) memory().resize(numbers);
  }
  T* take(int64_t numbers) {
    T* piece = memory().data() + taken_;
    taken_ += numbers;
    return piece;
  }

 private:
  static std::vector<T>& memory() {
    thread_local std::vector<T> kept;
    return kept;
  }
  int64_t taken_ = 0;
};

constexpr size_t DECAY = 6, MIX_BIAS = 11;  // among the arguments

// What is kept for the way back: all values of all chunks, the states before each chunk, or nothing.
enum class Keep { VALUES, ENTERING, NOTHING };

template <typename T>
struct Kept {
  Keep what;
  T *states, *pre, *mixed;  // (B, T, 2N), (B, last, H), (B, last, mixed); or states (B, chunks, 2N) alone

  // The states before a chunk, null at the first one; `spare` is used where nothing is kept.
  T* entering(const Sizes& s, const Part& part, const Chunk& c, T* spare) const {
    if (c.index == 0) return nullptr;
    if (what == Keep::NOTHING) return spare;
    const int64_t before = what == Keep::VALUES ? part.first * s.length + (c.begin - 1) * part.count
                                                : part.first * part.chunks() + c.index * part.count;
    return states + before * s.n2_row();
  }

  // Point at where the values of a chunk are kept, if they are.
  void place(const Sizes& s, const Part& part, const Chunk& c, Values<T>* v) const {
    if (what != Keep::VALUES) return;
    v->states = states + (part.first * s.length + c.begin * part.count) * s.n2_row();
    if (!c.read) return;
    const int64_t row = part.first * s.last + (c.begin - s.first_read()) * part.count;
    v->pre = pre + row * s.h_row();
    v->mixed = mixed + row * s.mixed_row();
  }
};

int64_t most_rows(const Sizes& s, const Part& part) { return part.count * s.steps; }

int64_t value_numbers(const Sizes& s, const Part& part) {
  return most_rows(s, part) * (3 * s.h_row() + s.n2_row() + s.mixed_row());
}

template <typename T>
Values<T> values_on(Desk<T>& desk, const Sizes& s, const Part& part) {
  const int64_t rows = most_rows(s, part);
  return {desk.take(rows * s.h_row()), desk.take(rows * s.n2_row()), desk.take(rows * s.h_row()),
          desk.take(rows * s.h_row()), desk.take(rows * s.mixed_row())};
}

template <typename T>
void forward_part(const Sizes& s, const Part& part, const Weights<T>& w, const Inputs<T>& in,
                  const Kept<T>& kept, T* outputs) {
  const int64_t step = part.count * s.n2_row();
  Desk<T> desk(value_numbers(s, part) + step);
  const Values<T> local = values_on(desk, s, part);
  T* spare = desk.take(step);
  for (int64_t i = 0; i < part.chunks(); ++i) {
    const Chunk c(s, part, i);
    Values<T> v = local;
    kept.place(s, part, c, &v);
    forward(s, c, w, in, kept.entering(s, part, c, spare), v);
    if (c.read) write(s, c, w, in, v, outputs);
    if (i + 1 < part.chunks() && kept.what != Keep::VALUES)
      std::copy_n(v.states + (c.steps - 1) * step, step,
                  kept.entering(s, part, Chunk(s, part, i + 1), spare));
  }
}

template <typename T>
void backward_part(const Sizes& s, const Part& part, const Weights<T>& w, const Inputs<T>& in,
                   const Kept<T>& kept, const T* grad, const Sums<T>& sums, T* grad_x) {
  const int64_t step = part.count * s.n2_row();
  Desk<T> desk(2 * value_numbers(s, part) + step + s.h);
  const Values<T> local = values_on(desk, s, part);
  const Values<T> grads = values_on(desk, s, part);
  const Grads<T> g{grads.normed, grads.states, grads.pre, grads.active, grads.mixed,
                   desk.take(s.h)};
  T* following = desk.take(step);
  for (int64_t i = part.chunks() - 1; i >= 0; --i) {
    const Chunk c(s, part, i);
    Values<T> v = local;
    kept.place(s, part, c, &v);
    if (kept.what == Keep::VALUES)
      normalise(s, c, w, in, v);
    else
      forward(s, c, w, in, kept.entering(s, part, c, nullptr), v);
    const bool at_end = i + 1 == part.chunks();
    backward(s, c, w, in, v, grad, at_end ? nullptr : following, following, g, sums, grad_x);
  }
}

// Add rows 1 to `parts` - 1 of numbers (parts, total) to row 0.
template <typename T>
void add_parts(ffi::ThreadPool& pool, int64_t parts, int64_t total, T* numbers) {
  constexpr int64_t PIECE = 1 << 14;
  run(pool, pool.num_threads(), (total + PIECE - 1) / PIECE, [&](int64_t i) {
    const int64_t begin = i * PIECE, count = std::min(PIECE, total - begin);
    T* __restrict sum = numbers + begin;
    for (int64_t part = 1; part < parts; ++part) {
      const T* __restrict of_part = numbers + part * total + begin;
      for (int64_t k = 0; k < count; ++k) sum[k] += of_part[k];
    }
  });
}

// Sizes and what is kept, from the attributes and the shapes of x (T, B, H), lambda and mix.
struct Call {
  Sizes sizes;
  Keep keep;
};

// Hands out the arguments, or results, one after the other.
template <typename T, typename Buffers>
class Reader {
 public:
  explicit Reader(const Buffers& buffers) : buffers_(buffers) {}

  T* next() { return buffer(index_++).template reinterpret_data<T>(); }

 private:
  ffi::AnyBuffer buffer(size_t i) const {
    if constexpr (std::is_same_v<Buffers, ffi::RemainingArgs>)
      return *buffers_.template get<ffi::AnyBuffer>(i);
    else
      return **buffers_.template get<ffi::AnyBuffer>(i);
  }

  const Buffers& buffers_;
  size_t index_ = 0;
};

template <typename T>
using ArgumentReader = Reader<T, ffi::RemainingArgs>;
template <typename T>
using ResultReader = Reader<T, ffi::RemainingRets>;

template <typename T>
Inputs<T> read_inputs(ArgumentReader<T>& next) {
  Inputs<T> in{};
  for (const T** part : {&in.x, &in.mask_states, &in.mask_mixed}) *part = next.next();
  return in;
}

template <typename T>
Weights<T> read_weights(ArgumentReader<T>& next) {
  Weights<T> w{};
  for (const T** part : {&w.mean, &w.gain, &w.bias, &w.decay, &w.enter, &w.read, &w.skip, &w.mix,
                         &w.mix_bias, &w.zeros})
    *part = next.next();
  return w;
}

template <typename T>
void forward_all(ffi::ThreadPool& pool, const Call& call, const ffi::RemainingArgs& arguments,
                 const ffi::RemainingRets& results) {
  const Sizes& s = call.sizes;
  ArgumentReader<T> argument(arguments);
  ResultReader<T> result(results);
  const Inputs<T> in = read_inputs(argument);
  const Weights<T> w = read_weights(argument);
  T* outputs = result.next();
  Kept<T> kept{call.keep, nullptr, nullptr, nullptr};
  if (call.keep != Keep::NOTHING) kept.states = result.next();
  if (call.keep == Keep::VALUES) kept.pre = result.next(), kept.mixed = result.next();
  run(pool, pool.num_threads(), s.parts,
      [&](int64_t i) { forward_part(s, Part(s, i), w, in, kept, outputs); });
}

template <typename T>
void backward_all(ffi::ThreadPool& pool, const Call& call, const ffi::RemainingArgs& arguments,
                  const ffi::RemainingRets& results) {
  const Sizes& s = call.sizes;
  ArgumentReader<T> argument(arguments);
  ResultReader<T> result(results);
  const Inputs<T> in = read_inputs(argument);
  Weights<T> w = read_weights(argument);
  for (const T** part : {&w.enter_back, &w.read_back, &w.mix_back}) *part = argument.next();
  const T* grad = argument.next();
  Kept<T> kept{call.keep, argument.next(), nullptr, nullptr};
  if (call.keep == Keep::VALUES) kept.pre = argument.next(), kept.mixed = argument.next();
  T* grad_x = result.next();
  T* sums = result.next();
  const int64_t total = Sums<T>::total(s);
  run(pool, pool.num_threads(), s.parts, [&](int64_t i) {
    T* of_part = std::fill_n(sums + i * total, total, T(0)) - total;
    backward_part(s, Part(s, i), w, in, kept, grad, Sums<T>::in(s, of_part), grad_x);
  });
  add_parts(pool, s.parts, total, sums);
}

// Read the attributes and call one of two functions for the type of x.
template <typename OnFloat, typename OnDouble>
ffi::Error dispatch(const ffi::RemainingArgs& arguments, int64_t last, int64_t parts, int64_t steps,
                    std::string_view keep, const OnFloat& on_float, const OnDouble& on_double) {
  const auto x = arguments.get<ffi::AnyBuffer>(0);
  const auto decay = arguments.get<ffi::AnyBuffer>(DECAY);
  const auto mix_bias = arguments.get<ffi::AnyBuffer>(MIX_BIAS);
  if (!x || !decay || !mix_bias) return ffi::Error::InvalidArgument("arguments are missing");
  const auto shape = x->dimensions();
  const Call call{{shape[0], shape[1], shape[2], decay->dimensions()[0], mix_bias->dimensions()[0], last,
                   parts, steps},
                  keep == "values"     ? Keep::VALUES
                  : keep == "entering" ? Keep::ENTERING
                                       : Keep::NOTHING};
  switch (x->element_type()) {
    case ffi::F32: on_float(call); break;
    case ffi::F64: on_double(call); break;
    default: return ffi::Error::InvalidArgument("the block takes f32 and f64");
  }
  return ffi::Error::Success();
}

ffi::Error block(ffi::ThreadPool pool, ffi::RemainingArgs arguments, ffi::RemainingRets results,
                 int64_t last, int64_t parts, int64_t steps, std::string_view keep) {
  return dispatch(
      arguments, last, parts, steps, keep,
      [&](const Call& call) { forward_all<float>(pool, call, arguments, results); },
      [&](const Call& call) { forward_all<double>(pool, call, arguments, results); });
}

ffi::Error block_adjoint(ffi::ThreadPool pool, ffi::RemainingArgs arguments,
                         ffi::RemainingRets results, int64_t last, int64_t parts, int64_t steps,
                         std::string_view keep) {
  return dispatch(
      arguments, last, parts, steps, keep,
      [&](const Call& call) { backward_all<float>(pool, call, arguments, results); },
      [&](const Call& call) { backward_all<double>(pool, call, arguments, results); });
}

auto binding() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .RemainingArgs()
      .RemainingRets()
      .Attr<int64_t>("last")
      .Attr<int64_t>("parts")
      .Attr<int64_t>("steps")
      .Attr<std::string_view>("keep");
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(lru_tune_block, block, binding());
XLA_FFI_DEFINE_HANDLER_SYMBOL(lru_tune_block_adjoint, block_adjoint, binding());

}  // namespace lru_tune
