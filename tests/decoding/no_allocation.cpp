// A step of a chain allocates nothing after the first one of its shape.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "dispar/backend/cpu.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/decoding/min_p.hpp"
#include "dispar/decoding/repetition_penalty.hpp"
#include "dispar/decoding/temperature.hpp"
#include "dispar/decoding/top_k.hpp"
#include "dispar/decoding/top_p.hpp"
#include "normal_rows.hpp"

namespace {

std::atomic<long> allocations{0};

[[gnu::noinline]] void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  if (void* const p = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) { return counted(bytes, 16); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

TEST_CASE("a merge and a chain allocate nothing after their first call") {
  using namespace dispar::decoding;
  constexpr dispar::index rows = 3, vocabulary = 20000;
  auto with = normal_rows<float>(rows, vocabulary, 1);
  const auto without = normal_rows<float>(rows, vocabulary, 2);
  const std::vector<std::int64_t> history{5, 6, 7, 8, 9, 10};
  std::vector<std::int64_t> tokens(3);
  const chain sampler{repetition_penalty{1.2}, temperature{0.8}, top_k{500}, top_p{0.95}, min_p{0.01}, categorical{{.seed = 1}}};
  const auto step = [&](std::uint64_t number) {
    adacad(dispar::cpu{}, dispar::as_matrix(with, rows, vocabulary), dispar::as_matrix(without, rows, vocabulary),
           dispar::as_matrix(with, rows, vocabulary));
    sampler(dispar::cpu{}, dispar::as_matrix(with, rows, vocabulary), tokens,
            {.history = dispar::as_matrix(history, rows, 2), .step = number});
  };
  step(0);
  const long before = allocations;
  step(1);
  step(2);
  CHECK(allocations == before);
}
