// The linear scan h_t = lambda h_{t-1} + b_t and its adjoint, as two targets of XLA's foreign functions.
//
// Arrays are as in lru_tune/ops/scan/linear_scan.py: (T, B, 2N), real parts in the first N columns and imaginary parts
// in the last N, and lambda (2N,). vmap puts axes in front of all of them, "lanes" here.
//
// The previous state is the row that was written one step before, still in the first-level cache, so that
// memory is touched once a plane. A task is some sequences and channels over all of time. Tasks share no
// sum, and always begin at a multiple of CHANNELS: results do not depend on the number of threads.

#include <algorithm>
#include <cstdint>

#include "threads.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace lru_tune {
namespace {

constexpr int64_t CHANNELS = 64;         // fewest of a task
constexpr int64_t ROW_BYTES = 16 << 10;  // of a task at one step; several such rows fit into the cache
constexpr int64_t SMALL_BYTES = 1 << 17; // below, starting a second thread costs more than it saves
constexpr int64_t TASKS_PER_THREAD = 2;  // so that a thread that begins late delays little

// Some sequences and channels of a lane.
struct Task {
  int64_t lane, first_sequence, last_sequence, first_channel, last_channel;
};

struct Shape {
  int64_t lanes, length, batch, n;

  int64_t row() const { return batch * 2 * n; }  // numbers of a step

  // Where a task's channels of a step and sequence begin.
  int64_t at(const Task& task, int64_t step, int64_t sequence) const {
    return (task.lane * length + step) * row() + sequence * 2 * n + task.first_channel;
  }
};

// How the work is cut: `count()` tasks of `sequences` by `channels`.
struct Cut {
  Shape shape;
  int64_t sequences, channels;

  int64_t by_sequence() const { return (shape.batch + sequences - 1) / sequences; }
  int64_t by_channel() const { return (shape.n + channels - 1) / channels; }
  int64_t count() const { return shape.lanes * by_sequence() * by_channel(); }

  Task task(int64_t index) const {
    const int64_t c = index % by_channel() * channels;
    const int64_t s = index / by_channel() % by_sequence() * sequences;
    return {index / by_channel() / by_sequence(), s, std::min(s + sequences, shape.batch), c,
            std::min(c + channels, shape.n)};
  }
};

Cut cut(const Shape& shape, int64_t threads, int64_t number_bytes) {
  const int64_t wanted = threads > 1 ? threads * TASKS_PER_THREAD : 1;
  const int64_t fitting = std::max<int64_t>(1, ROW_BYTES / (2 * shape.n * number_bytes));
  Cut made{shape, std::min(fitting, shape.batch), shape.n};
  while (made.count() < wanted && made.sequences > 1) made.sequences = (made.sequences + 1) / 2;
  while (made.count() < wanted && made.channels > CHANNELS)
    made.channels = ((made.channels + 1) / 2 + CHANNELS - 1) / CHANNELS * CHANNELS;
  return made;
}

// One step of `count` channels: h = b + lambda p. Real and imaginary parts lie n apart.
template <typename T>
void advance(int64_t count, int64_t n, const T* __restrict decay, const T* __restrict b,
             const T* __restrict p, T* __restrict h) {
  for (int64_t k = 0; k < count; ++k) {
    h[k] = b[k] + decay[k] * p[k] - decay[k + n] * p[k + n];
    h[k + n] = b[k + n] + decay[k] * p[k + n] + decay[k + n] * p[k];
  }
}

// One step of the adjoint: g = d + conj(lambda) p, and sum += p conj(h).
template <typename T>
void retreat(int64_t count, int64_t n, const T* __restrict decay, const T* __restrict d,
             const T* __restrict h, const T* __restrict p, T* __restrict g, T* __restrict sum) {
  for (int64_t k = 0; k < count; ++k) {
    sum[k] += p[k] * h[k] + p[k + n] * h[k + n];
    sum[k + n] += p[k + n] * h[k] - p[k] * h[k + n];
    g[k] = d[k] + decay[k] * p[k] + decay[k + n] * p[k + n];
    g[k + n] = d[k + n] + decay[k] * p[k + n] - decay[k + n] * p[k];
  }
}

template <typename T>
void forward_task(const Shape& shape, const Task& task, bool reverse, const T* decay,
                  const T* drive, T* states) {
  const int64_t n = shape.n, row = shape.row(), count = task.last_channel - task.first_channel;
  decay += task.lane * 2 * n + task.first_channel;
  for (int64_t step = 0; step < shape.length; ++step) {
    const int64_t t = reverse ? shape.length - 1 - step : step;
    for (int64_t s = task.first_sequence; s < task.last_sequence; ++s) {
      const int64_t here = shape.at(task, t, s);
      if (step == 0) {
        std::copy_n(drive + here, count, states + here);
        std::copy_n(drive + here + n, count, states + here + n);
      } else {
        advance(count, n, decay, drive + here, states + here + (reverse ? row : -row), states + here);
      }
    }
  }
}

// sums, (B, 2N) a lane, takes sum_t g_t conj(h_{t-1}) of each sequence.
template <typename T>
void backward_task(const Shape& shape, const Task& task, bool reverse, const T* decay,
                   const T* states, const T* grad, T* grad_drive, T* sums) {
  const int64_t n = shape.n, row = shape.row(), count = task.last_channel - task.first_channel;
  decay += task.lane * 2 * n + task.first_channel;
  for (int64_t step = 0; step < shape.length; ++step) {
    const int64_t t = reverse ? step : shape.length - 1 - step;
    for (int64_t s = task.first_sequence; s < task.last_sequence; ++s) {
      const int64_t here = shape.at(task, t, s);
      T* sum = sums + (task.lane * shape.batch + s) * 2 * n + task.first_channel;
      if (step == 0) {
        std::copy_n(grad + here, count, grad_drive + here);
        std::copy_n(grad + here + n, count, grad_drive + here + n);
        std::fill_n(sum, count, T(0));
        std::fill_n(sum + n, count, T(0));
      } else {  // what was written last belongs to the step that this state led to
        retreat(count, n, decay, grad + here, states + here,
                grad_drive + here + (reverse ? -row : row), grad_drive + here, sum);
      }
    }
  }
}

ffi::Error shape_of(ffi::AnyBuffer decay, ffi::AnyBuffer drive, Shape* shape) {
  const auto dims = drive.dimensions();
  const size_t rank = dims.size();
  if (rank < 3 || dims[rank - 1] % 2 || decay.element_type() != drive.element_type())
    return ffi::Error::InvalidArgument("the scan takes (..., T, B, 2N) and (..., 2N) of one type");
  shape->lanes = 1;
  for (size_t i = 0; i + 3 < rank; ++i) shape->lanes *= dims[i];
  shape->length = dims[rank - 3];
  shape->batch = dims[rank - 2];
  shape->n = dims[rank - 1] / 2;
  if (static_cast<int64_t>(decay.element_count()) != shape->lanes * 2 * shape->n)
    return ffi::Error::InvalidArgument("decay does not have the lanes and channels of drive");
  return ffi::Error::Success();
}

// Cut the work, and let the pool call work(task).
template <typename F>
void share(ffi::ThreadPool& pool, const Shape& shape, int64_t number_bytes, const F& work) {
  const int64_t bytes = shape.lanes * shape.length * shape.row() * number_bytes;
  const int64_t threads = bytes < SMALL_BYTES ? 1 : pool.num_threads();
  const Cut made = cut(shape, threads, number_bytes);
  run(pool, threads, made.count(), [&](int64_t i) { work(made.task(i)); });
}

template <typename T>
void forward(ffi::ThreadPool& pool, const Shape& shape, bool reverse, ffi::AnyBuffer decay,
             ffi::AnyBuffer drive, ffi::AnyBuffer states) {
  share(pool, shape, sizeof(T), [&](const Task& task) {
    forward_task(shape, task, reverse, decay.reinterpret_data<T>(), drive.reinterpret_data<T>(),
                 states.reinterpret_data<T>());
  });
}

template <typename T>
void backward(ffi::ThreadPool& pool, const Shape& shape, bool reverse, ffi::AnyBuffer decay,
              ffi::AnyBuffer states, ffi::AnyBuffer grad, ffi::AnyBuffer grad_drive,
              ffi::AnyBuffer sums) {
  share(pool, shape, sizeof(T), [&](const Task& task) {
    backward_task(shape, task, reverse, decay.reinterpret_data<T>(), states.reinterpret_data<T>(),
                  grad.reinterpret_data<T>(), grad_drive.reinterpret_data<T>(),
                  sums.reinterpret_data<T>());
  });
}

ffi::Error unknown_type() { return ffi::Error::InvalidArgument("the scan takes f32 and f64"); }

ffi::Error scan(ffi::ThreadPool pool, ffi::AnyBuffer decay, ffi::AnyBuffer drive,
                ffi::Result<ffi::AnyBuffer> states, bool reverse) {
  Shape shape;
  if (auto error = shape_of(decay, drive, &shape); error.failure()) return error;
  switch (drive.element_type()) {
    case ffi::F32: forward<float>(pool, shape, reverse, decay, drive, *states); break;
    case ffi::F64: forward<double>(pool, shape, reverse, decay, drive, *states); break;
    default: return unknown_type();
  }
  return ffi::Error::Success();
}

ffi::Error adjoint(ffi::ThreadPool pool, ffi::AnyBuffer decay, ffi::AnyBuffer states,
                   ffi::AnyBuffer grad, ffi::Result<ffi::AnyBuffer> grad_drive,
                   ffi::Result<ffi::AnyBuffer> sums, bool reverse) {
  Shape shape;
  if (auto error = shape_of(decay, grad, &shape); error.failure()) return error;
  switch (grad.element_type()) {
    case ffi::F32:
      backward<float>(pool, shape, reverse, decay, states, grad, *grad_drive, *sums);
      break;
    case ffi::F64:
      backward<double>(pool, shape, reverse, decay, states, grad, *grad_drive, *sums);
      break;
    default: return unknown_type();
  }
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(lru_tune_scan, scan,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<bool>("reverse"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(lru_tune_scan_adjoint, adjoint,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<bool>("reverse"));

}  // namespace lru_tune
