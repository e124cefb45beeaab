#pragma once
/// \file
/// What a `cuda_context` keeps between calls, so that the second call of a shape allocates and uploads nothing: device memory by
/// size, tables by shape, a report of bad data, a page of pinned memory for results.

#include <cuda_runtime.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "dispar/core/error.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// Thrown when a CUDA call fails; the message names the call. `status` is CUDA's code.
class cuda_error : public std::runtime_error {
public:
  /// The error `code` of the call of that name.
  cuda_error(cudaError_t code, const char* call)
      : std::runtime_error(std::string("dispar: ") + call + ": " + cudaGetErrorString(code)), status(code) {}
  cudaError_t status;  ///< CUDA's code
};

/// Where device memory comes from, in the order of a stream: derive from it to put a pool of yours in the place of CUDA's.
///
///     struct my_memory : dispar::device_memory_resource {
///       void* allocate(std::size_t bytes, cudaStream_t stream) override { return pool.allocate(bytes, stream); }
///       void deallocate(void* p, std::size_t bytes, cudaStream_t stream) noexcept override { pool.deallocate(p, bytes, stream);
///       }
///     };
class device_memory_resource {
public:
  /// Memory aligned to 256 bytes. Throws, or returns null, where there is none.
  [[nodiscard]] virtual void* allocate(std::size_t bytes, cudaStream_t stream) = 0;
  /// Takes it back.
  virtual void deallocate(void* p, std::size_t bytes, cudaStream_t stream) noexcept = 0;

protected:
  ~device_memory_resource() = default;
};

namespace detail {

inline void check_cuda(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // an error that is not sticky must not show up again in the caller's next call
  throw cuda_error(status, call);
}

[[nodiscard]] inline bool capturing(cudaStream_t stream) {
  if (stream == nullptr) return false;  // the default stream cannot be captured
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_cuda(cudaStreamIsCapturing(stream, &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

/// Throws before CUDA would: a call that a capture does not allow also ends the capture.
inline void require_no_capture(cudaStream_t stream, const char* what) {
  if (capturing(stream)) throw invalid_argument(std::string("dispar: gpu: ") + what + " cannot be captured in a CUDA graph");
}

/// The first bad data that kernels met since the last wait.
struct data_report {
  enum class defect : unsigned long long { none, special_element, overflowing_row, bad_weight, no_weight };
  defect what;
  index sample, row, feature;
  double value;
};

/// Device memory by size. What is given back is handed out again in the order of the stream, without CUDA.
///
/// Memory that a capture has used stays apart, for captures only: a graph may write to it whenever it is launched.
class memory_by_size {
public:
  /// Null where there is none of that size.
  [[nodiscard]] void* take(std::size_t bytes, bool captured, cudaStream_t stream) {
    ++clock_;
    const auto found = by_size_.find(bytes);
    if (found == by_size_.end()) return nullptr;
    auto& own = captured ? found->second.captured : found->second.idle;
    auto& from = captured && own.empty() ? found->second.idle : own;
    if (from.empty()) return nullptr;
    void* const p = from.back();
    from.pop_back();
    all_.at(p).captured = captured;
    emulate_reuse(p, stream);
    return p;
  }
  /// New memory, which is handed out now.
  void add(void* p, std::size_t bytes) {
    all_.emplace(p, block{bytes, false, clock_});
    auto& same = by_size_[bytes];
    ++same.blocks;
    same.idle.reserve(same.blocks);  // so that `give_back` cannot fail
    same.captured.reserve(same.blocks);
  }
  void give_back(void* p, cudaStream_t stream) noexcept {
    const auto found = all_.find(p);
    if (found == all_.end()) return;
    auto& same = by_size_.find(found->second.bytes)->second;
    (found->second.captured ? same.captured : same.idle).push_back(p);
    found->second.last_use = clock_;
    emulate_idle(p, stream);
  }
  /// free(p, bytes) for memory that lies idle since `age` requests; with `captured`, that of captures as well.
  template<class Free>
  void release(unsigned long long age, bool captured, const Free& free) {
    for (auto& one_size : by_size_) {
      const std::size_t bytes = one_size.first;
      auto& same = one_size.second;
      const auto old = [&](void* p) {
        const auto one = all_.find(p);
        if (clock_ - one->second.last_use < age) return false;
        free(p, bytes);
        all_.erase(one);
        --same.blocks;
        return true;
      };
      std::erase_if(same.idle, old);
      if (captured) std::erase_if(same.captured, old);
    }
    std::erase_if(by_size_, [](const auto& one) { return one.second.blocks == 0; });
  }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

private:
  struct block {
    std::size_t bytes;
    bool captured;
    unsigned long long last_use;
  };
  struct blocks_of_a_size {
    std::vector<void*> idle, captured;
    std::size_t blocks = 0;
  };

  // The emulation's checks know memory that is idle: nobody may touch it, and it comes back as fresh as CUDA's.
#if defined(DISPAR_CUDA_EMULATION)
  static void emulate_idle(void* p, cudaStream_t stream) noexcept { cuda_emulation::set_idle(p, true, stream); }
  static void emulate_reuse(void* p, cudaStream_t stream) { cuda_emulation::set_idle(p, false, stream); }
#else
  static void emulate_idle(void*, cudaStream_t) noexcept {}
  static void emulate_reuse(void*, cudaStream_t) {}
#endif

  std::unordered_map<void*, block> all_;
  std::map<std::size_t, blocks_of_a_size> by_size_;
  unsigned long long clock_ = 0;
};

/// Objects that depend on shapes only, by the kind and the numbers that they are made of.
class tables_by_shape {
public:
  using key = std::vector<index>;

  template<class Table>
  [[nodiscard]] const Table* find(const key& shape, bool captured) {
    const auto found = all_.find(shape);
    if (found == all_.end()) return nullptr;
    found->second.last_use = ++clock_;
    found->second.captured = found->second.captured || captured;
    return static_cast<const Table*>(found->second.table.get());
  }
  template<class Table>
  const Table& add(key shape, std::shared_ptr<const Table> table) {
    if (all_.size() >= most) retire_oldest();
    all_[std::move(shape)] = {table, ++clock_, false};
    return *table;
  }
  /// After a wait: the device has read what retired tables hold on the host.
  void forget_retired() noexcept { retired_.clear(); }
  void clear() noexcept {
    all_.clear();
    retired_.clear();
  }

private:
  static constexpr std::size_t most = 256;
  struct entry {
    std::shared_ptr<const void> table;
    unsigned long long last_use;
    bool captured;  ///< a graph reads it: it stays
  };
  void retire_oldest() {
    auto oldest = all_.end();
    for (auto e = all_.begin(); e != all_.end(); ++e)
      if (!e->second.captured && (oldest == all_.end() || e->second.last_use < oldest->second.last_use)) oldest = e;
    if (oldest == all_.end()) return;
    retired_.push_back(std::move(oldest->second.table));
    all_.erase(oldest);
  }

  std::map<key, entry> all_;
  std::vector<std::shared_ptr<const void>> retired_;
  unsigned long long clock_ = 0;
};

/// All of it.
struct workspace {
  memory_by_size memory;
  tables_by_shape tables;
  data_report* report = nullptr;  ///< on the device
  void* pinned = nullptr;         ///< `data_report` first, then `staging_bytes` for a result
  cudaStream_t stream = nullptr;  ///< in whose order the memory is
  static constexpr std::size_t staging_bytes = 1024;
};

}  // namespace detail

DISPAR_NAMESPACE_END
