// What the engine takes from the memory resource, and what happens when there is none.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "backend/host/counting_memory.hpp"
#include "backend/host/integer_samples.hpp"
#include "backend/host/sinks/integer_labels.hpp"
#include "dispar/backend/host/gradient_sink.hpp"
#include "dispar/backend/host/pairwise.hpp"
#include "dispar/backend/host/quadratic_sink.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/identity.hpp"

namespace engine_tests {

namespace {

using backend = dispar::tiled_host<dispar::serial, counting_memory>;
const std::vector<dispar::pair_block> blocks{{0, 0, true}, {1, 1, true}, {0, 1}};
using value = dispar::kernel_value<dispar::identity<dispar::l1>, float>;

}  // namespace

TEST_CASE("whichever allocation fails, the exception comes out and every block goes back") {
  const integer_samples<float> samples({70, 50}, {5});
  const index n = samples.rows();
  std::vector<double> totals(3), forms(20);
  std::vector<float> gradient(70 * 5);
  ledger book;
  const auto run = [&] {
    const backend b{{}, {&book}};
    const auto data = dispar::pack_samples<dispar::l1>(b, samples.segments());
    dispar::pairwise(b, data, value({}), blocks, {}, dispar::total<0, 1>{dispar::as_matrix(totals, 3, 1)},
                     dispar::quadratic_forms<0, integer_labels>{{n, 20}, dispar::as_matrix(forms, 1, 20)},
                     dispar::feature_gradient<0, 0, float, 1>{{dispar::as_matrix(gradient, 70, 5)}});
  };
  run();
  const int needed = book.allocations;
  CHECK(needed >= 3);  // panels, row terms, working memory
  CHECK(book.blocks == 0);
  CHECK(book.sizes_agree);
  const auto expected = totals;
  for (int k = 0; k < needed; ++k) {
    CAPTURE(k);
    book = ledger{.failing_allocation = k};
    totals.assign(3, -1);
    CHECK_THROWS_AS(run(), std::bad_alloc);
    CHECK(book.blocks == 0);
    CHECK(book.bytes == 0);
    CHECK(totals == std::vector<double>(3, -1));
  }
  book = {};
  run();
  CHECK(totals == expected);
}

TEST_CASE("the heap gives aligned memory, all of it, of any size") {
  for (const std::size_t bytes : {1u, 63u, 64u, 2097152u, 6291451u}) {
    CAPTURE(bytes);
    auto* const block = static_cast<unsigned char*>(dispar::heap().allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(block) % dispar::heap::alignment == 0);
    std::memset(block, 7, bytes);
    CHECK(block[bytes - 1] == 7);
    dispar::heap().deallocate(block, bytes);
  }
}

TEST_CASE("bad data gives every block back as well") {
  integer_samples<float> samples({70, 50}, {5});
  samples.channel[0][400] = std::numeric_limits<float>::infinity();
  ledger book;
  CHECK_THROWS_AS((void)dispar::pack_samples<dispar::l1>(backend{{}, {&book}}, samples.segments()), dispar::invalid_argument);
  CHECK(book.allocations > 0);
  CHECK(book.blocks == 0);
}

TEST_CASE("the sums of gradients come from the memory resource") {
  const integer_samples<float> samples({70, 50}, {5});
  ledger book;
  const backend b{{}, {&book}};
  const auto data = dispar::pack_samples<dispar::l1>(b, samples.segments());
  const std::size_t packed = book.bytes;
  std::vector<float> gradient(70 * 5);
  dispar::pairwise(b, data, value({}), blocks, {},
                   dispar::feature_gradient<0, 0, float, 1>{{dispar::as_matrix(gradient, 70, 5)}});
  CHECK(book.peak >= packed + 70 * 5 * sizeof(double));
  CHECK(book.bytes == packed);
  CHECK(book.sizes_agree);
}

TEST_CASE("a total takes one copy of the data and its row terms; sinks that read tiles take a few tiles more") {
  const index n = 1500, d = 64;
  const integer_samples<float> samples({n, n}, {d});
  ledger book;
  const backend b{{}, {&book}};
  const auto data = dispar::pack_samples<dispar::l1>(b, samples.segments());
  const std::size_t copy = static_cast<std::size_t>(2 * n * d) * sizeof(float);
  const std::size_t padding = static_cast<std::size_t>(3 * dispar::detail::register_tile<float>::width * (d + 1)) * sizeof(float);
  const std::size_t terms = static_cast<std::size_t>(2 * n) * sizeof(float);
  CHECK(book.peak >= copy + terms);
  CHECK(book.peak <= copy + terms + padding);

  std::vector<double> totals(3), rows(static_cast<std::size_t>(2 * n));
  const std::size_t packed = book.bytes;
  const std::vector<dispar::pair_block> cross{{0, 1}};
  dispar::pairwise(b, data, value({}), cross, {}, dispar::total<0, 1>{dispar::as_matrix(totals, 3, 1).slice(0, 1)});
  CHECK(book.peak == packed);
  dispar::pairwise(b, data, value({}), cross, {}, dispar::row_sums<0>{dispar::as_matrix(rows, 2 * n, 1)});
  const auto edge = static_cast<std::size_t>(4 * dispar::detail::register_tile<float>::width);
  CHECK(book.peak > packed);
  CHECK(book.peak <= packed + edge * edge * sizeof(float) + 64);
  CHECK(book.bytes == packed);
}

}  // namespace engine_tests
