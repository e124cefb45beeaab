#include "device_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "cuda_runtime.h"

namespace cuda_emulation {
namespace {

constexpr std::byte fresh{0xff}, surrounding{0xee};

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

device_memory& device_memory::instance() {
  static auto* const memory = new device_memory;  // outlives every static object that frees some
  return *memory;
}

void* device_memory::allocate(std::size_t bytes, bool managed) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  constexpr std::size_t alignment = 16;  // CUDA gives 256; no kernel relies on more than the widest access
  const std::size_t page_bytes = rounded_up(std::max<std::size_t>(bytes, 1), page);
  void* const mapped = mmap(nullptr, page_bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const pages = static_cast<std::byte*>(mapped) + page;
  if (mprotect(pages, page_bytes, PROT_READ | PROT_WRITE) != 0) return nullptr;
  std::byte* const first = pages + page_bytes - rounded_up(bytes, alignment);
  std::memset(pages, static_cast<int>(surrounding), page_bytes);
  std::memset(first, static_cast<int>(fresh), bytes);
  if (!managed && !access_) mprotect(pages, page_bytes, PROT_NONE);
  all_.emplace(first, allocation{pages, page_bytes, bytes, managed});
  return first;
}

void device_memory::free(void* memory) {
  const auto found = all_.find(static_cast<std::byte*>(memory));
  if (found == all_.end()) throw defect("what is freed was not allocated, or was freed before");
  const allocation one = found->second;
  if (!one.idle && (one.managed || access_)) check_surroundings(*found);
  all_.erase(found);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  munmap(one.pages - page, one.page_bytes + 2 * page);
}

void device_memory::set_idle(void* memory, bool idle) {
  const auto found = all_.find(static_cast<std::byte*>(memory));
  if (found == all_.end()) throw defect("what is idle was not allocated, or was freed before");
  allocation& one = found->second;
  if (one.managed || one.idle == idle) throw defect("memory is idle already, or is not, or is managed");
  if (idle) check_surroundings(*found);
  one.idle = idle;
  mprotect(one.pages, one.page_bytes, !idle && access_ ? PROT_READ | PROT_WRITE : PROT_NONE);
  if (!idle) std::memset(found->first, static_cast<int>(fresh), one.bytes);
}

bool device_memory::contains(const void* memory) const {
  const auto after = all_.upper_bound(static_cast<std::byte*>(const_cast<void*>(memory)));
  if (after == all_.begin()) return false;
  const auto& [first, one] = *std::prev(after);
  return static_cast<const std::byte*>(memory) < first + one.bytes;
}

void device_memory::require_inside(const void* memory, std::size_t bytes, const char* what) const {
  if (bytes == 0) return;
  const auto* const last = static_cast<const std::byte*>(memory) + (bytes - 1);
  // Pages of two allocations never touch: both ends in one allocation means everything between is.
  if (!contains(memory) || !contains(last)) throw defect(std::string(what) + ": memory that is not, or not all, allocated");
}

void device_memory::set_access(bool on) {
  access_ = on;
  for (const auto& [first, one] : all_)
    if (!one.managed && !one.idle) mprotect(one.pages, one.page_bytes, on ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void device_memory::check_surroundings() {
  for (const entry& one : all_)
    if (!one.second.idle) check_surroundings(one);
}

void device_memory::check_surroundings(const entry& one) {
  const auto& [first, place] = one;
  bool untouched = true;
  const auto check = [&untouched](std::byte* from, std::byte* to) {
    untouched = untouched && std::all_of(from, to, [](std::byte b) { return b == surrounding; });
    std::fill(from, to, surrounding);  // once reported is enough
  };
  check(place.pages, first);
  check(first + place.bytes, place.pages + place.page_bytes);
  if (!untouched) throw defect("bytes next to an allocation were written");
}

device_memory::snapshot device_memory::save() const {
  snapshot saved;
  for (const auto& [first, one] : all_) saved.emplace_back(first, one.idle ? first : first + one.bytes);
  return saved;
}

void device_memory::restore(const snapshot& saved) {
  auto from = saved.begin();
  for (const auto& [first, one] : all_) std::copy(from->begin(), from->end(), first), ++from;
}

}  // namespace cuda_emulation
