#pragma once

#include <atomic>
#include <memory>

#include "dispar/backend/host/tiled_host.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Working memory for tasks: one block per thread that may run at once, leased by whichever task comes. The contents never
/// carry over, so it does not matter which task gets which block.
template<class Backend>
class workspaces {
public:
  workspaces(const Backend& b, std::size_t bytes)
      : backend_(b),
        bytes_((bytes + 63) / 64 * 64),
        count_(b.each.concurrency() > 0 ? b.each.concurrency() : 1),
        taken_(new std::atomic<bool>[static_cast<std::size_t>(count_)]) {
    for (int i = 0; i < count_; ++i) taken_[static_cast<std::size_t>(i)] = false;
    if (bytes_ > 0) memory_ = static_cast<char*>(b.allocate(bytes_ * static_cast<std::size_t>(count_)));
  }
  ~workspaces() {
    if (memory_) backend_.deallocate(memory_, bytes_ * static_cast<std::size_t>(count_));
  }
  workspaces(const workspaces&) = delete;
  workspaces& operator=(const workspaces&) = delete;

  class lease {
  public:
    /// Waits in the rare case that an executor runs more tasks at once than its `concurrency()`.
    explicit lease(const workspaces& all) noexcept : all_(all) {
      for (int i = 0;; i = (i + 1) % all.count_)
        if (!all.taken_[static_cast<std::size_t>(i)].exchange(true, std::memory_order_acquire)) {
          number_ = i;
          return;
        }
    }
    ~lease() { all_.taken_[static_cast<std::size_t>(number_)].store(false, std::memory_order_release); }
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    [[nodiscard]] char* data() const noexcept {
      return all_.memory_ ? all_.memory_ + all_.bytes_ * static_cast<std::size_t>(number_) : nullptr;
    }

  private:
    const workspaces& all_;
    int number_ = 0;
  };

private:
  Backend backend_;
  std::size_t bytes_;
  int count_;
  std::unique_ptr<std::atomic<bool>[]> taken_;
  char* memory_ = nullptr;
};

}  // namespace detail

DISPAR_NAMESPACE_END
