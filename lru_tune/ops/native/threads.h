// Sharing independent pieces of work among the threads of XLA's pool.

#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "xla/ffi/api/ffi.h"

namespace lru_tune {

// Work that threads take from a counter.
struct Queue {
  explicit Queue(int64_t count) : count(count) {}

  const int64_t count;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  std::mutex mutex;
  std::condition_variable finished;

  template <typename F>
  void drain(const F* work) {  // `work` is only touched while the caller waits for what was taken
    for (int64_t i; (i = next.fetch_add(1)) < count;) {
      (*work)(i);
      if (done.fetch_add(1) + 1 == count) {
        std::lock_guard<std::mutex> lock(mutex);
        finished.notify_all();
      }
    }
  }
};

// Do work(0) ... work(count - 1) on the threads of XLA's pool. The calling thread may be one of them: it
// takes part, and waits only for tasks that another thread has begun.
template <typename F>
void run(xla::ffi::ThreadPool& pool, int64_t threads, int64_t count, const F& work) {
  if (threads <= 1 || count <= 1) {
    for (int64_t i = 0; i < count; ++i) work(i);
    return;
  }
  auto queue = std::make_shared<Queue>(count);
  const F* shared = &work;
  for (int64_t i = 1; i < std::min(threads, count); ++i)
    pool.Schedule([queue, shared] { queue->drain(shared); });
  queue->drain(shared);
  std::unique_lock<std::mutex> lock(queue->mutex);
  queue->finished.wait(lock, [&] { return queue->done.load() == count; });
}

}  // namespace lru_tune
