// dispar_model_golden: the runner of dispar_golden on the other layer.

#include <doctest/doctest.h>

#include "golden_process.hpp"

using namespace golden_runner;

TEST_CASE("cases of models pass under any name, those of cores are skipped and listed") {
  const fixtures f("model_untouched");
  f.add("train_trace_mpp", "a/training");
  f.add("feature_net_small", "a/network");
  f.add("gram_stats_equal", "core");
  const process p = f.run("");
  CHECK(p.status == 0);
  CHECK(p.lines_with({"skipped core", "layer core"}) == 1);
  CHECK(p.last() == "2 passed, 0 failed, 1 skipped");
}

TEST_CASE("altered models fail") {
  const fixtures f("model_altered");
  add_to_last(f.add("train_trace_mpp", "losses") / "losses.npy", 1e-5);
  add_to_last(f.add("train_trace_mpp", "batch") / "y_batches.npy", 0.1);
  add_to_last(f.add("feature_net_small", "gradient") / "grad_l0_q_w.npy", 1e-5);
  const fs::path options = f.add("train_trace_mpp", "rate");
  json c = read_case(options);
  c["params"]["lr"] = 0.011;
  write_case(options, c);
  const process p = f.run("");
  CHECK(p.status == 1);
  CHECK(p.lines_with({"FAILED losses", "double losses"}) == 1);
  CHECK(p.lines_with({"FAILED batch", "double w_final"}) == 1);
  CHECK(p.lines_with({"FAILED gradient", "double grad_l0_q_w"}) == 1);
  CHECK(p.lines_with({"FAILED rate", "double params_final"}) == 1);
  CHECK(p.last() == "0 passed, 4 failed, 0 skipped");
}

TEST_CASE("messages bear its name") {
  const fixtures f("model_usage");
  const process p = run_golden("\"" + f.root().string() + "\"");
  CHECK(p.status == 2);
  CHECK(p.lines_with({"dispar_model_golden: no case.json"}) == 1);
}
