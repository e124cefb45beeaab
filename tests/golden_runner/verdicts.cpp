// Which cases pass, fail and are skipped, and the line that says so.

#include <doctest/doctest.h>

#include "golden_process.hpp"

using namespace golden_runner;

TEST_CASE("untouched cases pass, wherever they lie") {
  const fixtures f("untouched");
  f.add("gram_stats_equal", "here");
  f.add("gram_stats_unequal", "a/folder deep/down");
  f.add("auroc_ties", "a/folder deep/down/and_below_a_case");
  const process p = f.run();
  CHECK(p.status == 0);
  CHECK(p.lines.size() == 1);
  CHECK(p.last() == "3 passed, 0 failed, 0 skipped");
}

TEST_CASE("a single case is a root too") {
  const fixtures f("single");
  const fs::path folder = f.add("gram_stats_equal", "case");
  CHECK(run_golden("\"" + folder.string() + "\" --backend cpu").last() == "1 passed, 0 failed, 0 skipped");
}

TEST_CASE("an altered expected value fails and is named in one line") {
  const fixtures f("expected");
  add_to_last(f.add("gram_stats_equal", "altered") / "unbiased_full.npy", 1e-6);
  f.add("gram_stats_equal", "kept");
  const process p = f.run();
  CHECK(p.status == 1);
  CHECK(p.lines.size() == 2);
  CHECK(p.lines_with({"FAILED altered on cpu", "double unbiased_full", "got ", "expected "}) == 1);
  CHECK(p.lines_with({"biased:"}) == 0);
  CHECK(p.last() == "1 passed, 1 failed, 0 skipped");
}

TEST_CASE("the tolerance of the case is what counts in double") {
  const fixtures f("tolerance");
  const fs::path folder = f.add("gram_stats_equal", "case");
  add_to_last(folder / "unbiased_full.npy", 1e-10);
  CHECK(f.run().last() == "0 passed, 1 failed, 0 skipped");
  json c = read_case(folder);
  c["tolerance"] = {{"rtol", 0.0}, {"atol", 2e-10}};
  write_case(folder, c);
  CHECK(f.run().last() == "1 passed, 0 failed, 0 skipped");
  c["tolerance"] = {{"rtol", 0.0}, {"atol", 0.0}, {"per_output", {{"unbiased_full", {{"rtol", 0.0}, {"atol", 2e-10}}}}}};
  write_case(folder, c);
  CHECK(f.run().lines_with({"double unbiased_full"}) == 0);
  CHECK(f.run().lines_with({"double biased"}) == 1);
}

TEST_CASE("an altered input fails in both precisions") {
  const fixtures f("input");
  add_to_last(f.add("deep_kernel_unequal_sizes", "altered") / "raw.npy", 0.5);
  const process p = f.run();
  CHECK(p.status == 1);
  CHECK(p.lines_with({"FAILED altered on cpu", "double gram", "float gram", "elements off, the worst at ["}) == 1);
  CHECK(p.lines_with({"phi_sqdist"}) == 0);
  CHECK(p.last() == "0 passed, 1 failed, 0 skipped");
}

TEST_CASE("an altered parameter fails") {
  const fixtures f("parameter");
  const fs::path folder = f.add("deep_kernel_unequal_sizes", "altered");
  json c = read_case(folder);
  c["params"]["sigma0"] = c["params"]["sigma0"].get<double>() * 1.001;
  write_case(folder, c);
  CHECK(f.run().last() == "0 passed, 1 failed, 0 skipped");
}

TEST_CASE("an output that no core computes fails") {
  const fixtures f("not_computed");
  const fs::path folder = f.add("gram_stats_equal", "case");
  json c = read_case(folder);
  c["expected"]["skewness"] = c["expected"]["biased"];
  write_case(folder, c);
  const process p = f.run();
  CHECK(p.status == 1);
  CHECK(p.lines_with({"FAILED case", "skewness", "not computed"}) == 1);
}

TEST_CASE("unknown cores and model layers are skipped and listed") {
  const fixtures f("skipped");
  const fs::path unknown = f.add("gram_stats_equal", "unknown"), model = f.add("gram_stats_equal", "model");
  f.add("gram_stats_equal", "known");
  json c = read_case(unknown);
  c["core"] = "mmd-mp/of_another_planet";
  write_case(unknown, c);
  c = read_case(model);
  c["layer"] = "model";
  write_case(model, c);
  const process p = f.run();
  CHECK(p.status == 0);
  CHECK(p.lines.size() == 3);
  CHECK(p.lines_with({"skipped unknown: ", "mmd-mp/of_another_planet"}) == 1);
  CHECK(p.lines_with({"skipped model: ", "layer model"}) == 1);
  CHECK(p.last() == "1 passed, 0 failed, 2 skipped");
}
