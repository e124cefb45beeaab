// An estimate takes one copy of the data and little more, and gives all of it back.
#include <doctest/doctest.h>

#include "backend/host/counting_memory.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/estimate.hpp"
#include "normal_rows.hpp"

TEST_CASE("from the memory resource: a copy of both samples and less than 4 MB") {
  using namespace dispar;
  const dispar::index n = 2000, m = 1000, d = 100;
  const auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(m, d, 2);
  engine_tests::ledger book;
  const tiled_host<serial, engine_tests::counting_memory> b{{}, {&book}};
  const double value = mmd::estimate(b, as_matrix(x, n, d), as_matrix(y, m, d), gaussian{10});
  CHECK(value == mmd::estimate(cpu{}, as_matrix(x, n, d), as_matrix(y, m, d), gaussian{10}));
  CHECK(book.peak < static_cast<std::size_t>((n + m) * d) * sizeof(float) + (std::size_t{4} << 20));
  CHECK(book.blocks == 0);
  CHECK(book.sizes_agree);
}
