#include "memory_meter.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace quickstart {
namespace {

std::atomic<std::ptrdiff_t> in_use = 0, peak = 0;

void* counted(void* p) {
  if (!p) throw std::bad_alloc();
  count_memory(static_cast<std::ptrdiff_t>(malloc_usable_size(p)));
  return p;
}

void release(void* p) noexcept {
  if (p) count_memory(-static_cast<std::ptrdiff_t>(malloc_usable_size(p)));
  std::free(p);
}

}  // namespace

void count_memory(std::ptrdiff_t bytes) {
  const std::ptrdiff_t now = in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::ptrdiff_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
  }
}

memory_meter::memory_meter() : before_(in_use.load()) { peak.store(before_); }

std::size_t memory_meter::peak_extra_bytes() const { return static_cast<std::size_t>(peak.load() - before_); }

}  // namespace quickstart

// The array, sized and nothrow forms of the standard library call these four.
void* operator new(std::size_t bytes) { return quickstart::counted(std::malloc(bytes ? bytes : 1)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto a = static_cast<std::size_t>(alignment);
  return quickstart::counted(std::aligned_alloc(a, (bytes + a - 1) / a * a));
}
void operator delete(void* p) noexcept { quickstart::release(p); }
void operator delete(void* p, std::size_t) noexcept { quickstart::release(p); }
void operator delete(void* p, std::align_val_t) noexcept { quickstart::release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { quickstart::release(p); }
