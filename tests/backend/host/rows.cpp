// A user's row program on the host: three aligned rows, two passes, one of which folds maxima and sums at once, a merged row.
#include "dispar/backend/rows.hpp"

#include <doctest/doctest.h>

#include "any_executor.hpp"
#include "backend/row_program.hpp"
#include "dispar/backend/cpu.hpp"

namespace engine_tests {

TEST_CASE("run_rows: what the program says, at sizes around a pack, a tile and a segment, strided or not") {
  for (const index cols : {1, 33, 4100, 9000})
    for (const bool apart : {false, true}) {
      CAPTURE(cols);
      row_program_case<float> c(3, cols, apart);
      dispar::run_rows(dispar::cpu{}, contrast{0.5}, c.inputs(), c.outputs());
      CHECK(c.worst() < 1e-5);
    }
}

TEST_CASE("run_rows: the same bits by rows and by segments, in any order of tasks") {
  row_program_case<double> expected(2, 30000, false), got(2, 30000, false);
  dispar::run_rows(dispar::tiled_host<dispar::serial>{}, contrast{0.5}, expected.inputs(), expected.outputs());
  CHECK(expected.worst() < 1e-13);
  for (const auto& each : {backwards(), threads(3, 3)}) {
    dispar::run_rows(dispar::tiled_host<any_executor>{each}, contrast{0.5}, got.inputs(), got.outputs());
    CHECK(got.merged == expected.merged);
    CHECK(got.results == expected.results);
  }
}

TEST_CASE("run_rows: elements by number, overwriting, accumulating, by rows and by segments") {
  for (const index cols : {1, 37, 20000})
    for (const bool accumulate : {false, true})
      for (const auto& each : {backwards(), threads(3, 3)}) {
        CAPTURE(cols);
        choice_case c(cols);
        dispar::run_rows(dispar::tiled_host<any_executor>{each}, choice{c.chosen.data()},
                         dispar::row_inputs<double, 1>{.x = {dispar::as_matrix(c.logits, 3, cols)}},
                         dispar::row_outputs<double, 1, 1>{.y = {dispar::as_matrix(c.gradient, 3, cols)},
                                                           .results = {dispar::view_of(c.results)},
                                                           .accumulate = accumulate});
        CHECK(c.worst(accumulate ? 10 : 0) < 1e-12);
      }
}

TEST_CASE("run_rows: no rows, outputs of another shape") {
  row_program_case<float> none(0, 5, false), some(2, 5, false);
  dispar::run_rows(dispar::cpu{}, contrast{0.5}, none.inputs(), none.outputs());
  auto out = some.outputs();
  out.y[0] = none.outputs().y[0];
  CHECK_NOTHROW(dispar::run_rows(dispar::cpu{}, contrast{0.5}, some.inputs(), out));  // the null view: not wanted
  std::vector<float> wrong(8);
  out.y[0] = dispar::as_matrix(wrong, 2, 4);
  CHECK_THROWS_WITH_AS(dispar::run_rows(dispar::cpu{}, contrast{0.5}, some.inputs(), out),
                       "dispar: rows: output must have the columns of the inputs, got 4", dispar::invalid_argument);
}

}  // namespace engine_tests
