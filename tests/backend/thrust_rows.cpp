// Rows on a Thrust system: the bits of the CPU.
#include <doctest/doctest.h>

#include "dispar/backend/thrust.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/divergence/rows.hpp"
#include "normal_rows.hpp"

TEST_CASE("divergence::rows: the bits of cpu, many rows and one long one") {
  for (const auto& [rows, cols] : {std::pair<dispar::index, dispar::index>{40, 1001}, {1, 60000}}) {
    const auto a = normal_rows<float>(rows, cols, 1), b = normal_rows<float>(rows, cols, 2);
    std::vector<double> got(static_cast<std::size_t>(rows)), expected(got.size());
    const auto x = dispar::as_matrix(a, rows, cols), y = dispar::as_matrix(b, rows, cols);
    dispar::divergence::rows(dispar::cpu{}, x, y, dispar::divergence::jensen_shannon{}, expected);
    dispar::divergence::rows(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, x, y, dispar::divergence::jensen_shannon{}, got);
    CHECK(got == expected);
  }
}
