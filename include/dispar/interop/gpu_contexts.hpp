#pragma once
/// \file
/// Contexts that the program keeps, for callers that have no place of their own for one.

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "dispar/backend/gpu/context.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The device of a call is the current one for its time.
class current_device {
public:
  explicit current_device(int device) {
    check_cuda(cudaGetDevice(&before_), "cudaGetDevice");
    check_cuda(cudaSetDevice(device), "cudaSetDevice");
  }
  ~current_device() { (void)cudaSetDevice(before_); }
  current_device(const current_device&) = delete;
  current_device& operator=(const current_device&) = delete;

private:
  int before_ = 0;
};

/// One per device and stream. They are never destroyed: at the end of the program CUDA may be gone before any static object.
class kept_contexts {
public:
  struct entry {
    std::mutex busy;
    cuda_context context;
  };
  [[nodiscard]] static kept_contexts& instance() {
    static auto* const all = new kept_contexts;
    return *all;
  }
  [[nodiscard]] entry& of(int device, cudaStream_t stream) {
    const std::lock_guard lock(changing_);
    auto& kept = by_place_[{device, stream}];
    if (!kept) {
      kept = std::make_unique<entry>();
      kept->context.stream = stream;
    }
    return *kept;
  }
  /// visit(device, entry) for all that there are now.
  template<class Visit>
  void for_each(const Visit& visit) {
    std::map<std::pair<int, cudaStream_t>, entry*> all;
    {
      const std::lock_guard lock(changing_);
      for (const auto& [place, kept] : by_place_) all.emplace(place, kept.get());
    }
    for (const auto& [place, kept] : all) visit(place.first, *kept);
  }

private:
  std::mutex changing_;
  std::map<std::pair<int, cudaStream_t>, std::unique_ptr<entry>> by_place_;
};

}  // namespace detail

/// work(gpu) on a device, with the context that the program keeps for that device and stream: the second call of a shape finds
/// the memory and the tables of the first and allocates nothing.
///
///     on_kept_context(0, nullptr, [&](const gpu& b) { value = mmd::estimate(b, x, y, kernel); });
///
/// Any thread may call; calls for the same device and stream take turns. The device is the current one meanwhile, and what `work`
/// has queued is done when this returns, also by an exception. The stream outlives the program's last call with it; its context
/// and the memory in it stay until `release_kept_contexts`, at the longest until the program ends. Throws what `work` throws,
/// `cuda_error`, and `invalid_argument` for bad data that kernels found.
template<class Work>
void on_kept_context(int device, cudaStream_t stream, const Work& work) {
  const detail::current_device current(device);
  auto& kept = detail::kept_contexts::instance().of(device, stream);
  const std::lock_guard lock(kept.busy);
  const gpu b{&kept.context};
  try {
    work(b);
    b.wait();
  } catch (...) {
    // What bad data has left to be said at the next wait would be said of the next caller's.
    try {
      b.wait();
    } catch (...) {  // the first exception is the one to be told
    }
    throw;
  }
}

/// Gives back all memory of `on_kept_context` that is not in use: waits for each of its streams. A call that is at work is waited
/// for. Streams that no longer exist must not be among them.
inline void release_kept_contexts() {
  detail::kept_contexts::instance().for_each([](int device, detail::kept_contexts::entry& kept) {
    const std::lock_guard lock(kept.busy);
    const detail::current_device current(device);
    kept.context.release();
  });
}

DISPAR_NAMESPACE_END
