// Backends, exit status and the JSON file.

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "golden_process.hpp"

using namespace golden_runner;

namespace {

const std::vector<std::string> names{"cpu", "thrust-cpp", "thrust-omp", "thrust-tbb", "gpu", "gpu-emulated"};

}  // namespace

TEST_CASE("bad usage: exit status 2 and a line of explanation") {
  const fixtures f("usage");
  CHECK(f.run().status == 2);  // no case at all
  f.add("gram_stats_equal", "case");
  CHECK(run_golden("").status == 2);
  CHECK(run_golden("\"" + f.root().string() + "/absent\"").status == 2);
  CHECK(f.run("--nonsense").status == 2);
  CHECK(f.run("--backend").status == 2);
  CHECK(f.run("--json \"" + f.root().string() + "/absent/report.json\"").status == 2);
  const process p = f.run("--backend abacus");
  CHECK(p.status == 2);
  REQUIRE(p.lines.size() == 1);
  CHECK(p.lines_with({"unknown backend 'abacus'", "cpu"}) == 1);
  CHECK(run_golden("--help").status == 0);
}

TEST_CASE("every known backend runs or says that it was not built") {
  const fixtures f("backends");
  f.add("gram_stats_equal", "case");
  std::set<std::string> built;
  for (const std::string& name : names) {
    CAPTURE(name);
    const process p = f.run("--backend " + name);
    if (p.status == 0) {
      built.insert(name);
      CHECK(p.last() == "1 passed, 0 failed, 0 skipped");
    } else {
      CHECK(p.status == 2);
      CHECK(p.lines_with({"backend '" + name + "' was not built", "cpu"}) == 1);
    }
  }
  CHECK(built.count("cpu") == 1);
  CHECK(f.run("").last() == std::to_string(built.size()) + " passed, 0 failed, 0 skipped");
}

TEST_CASE("a host algorithm counts on cpu and is skipped elsewhere") {
  const fixtures f("host_only");
  f.add("auroc_ties", "case");
  CHECK(f.run("--backend cpu").last() == "1 passed, 0 failed, 0 skipped");
  const process all = f.run("");
  CHECK(all.lines_with({"1 passed, 0 failed, "}) == 1);
  CHECK(all.lines_with({"skipped case on cpu"}) == 0);
}

TEST_CASE("the JSON file says what was printed") {
  const fixtures f("report");
  f.add("gram_stats_equal", "passes");
  add_to_last(f.add("gram_stats_equal", "fails") / "biased.npy", 0.25);
  const fs::path unknown = f.add("gram_stats_equal", "unknown");
  json c = read_case(unknown);
  c["core"] = "mmd-mp/of_another_planet";
  write_case(unknown, c);
  const fs::path file = f.root() / "report.json";
  const process p = f.run("--backend cpu --json \"" + file.string() + "\"");
  CHECK(p.status == 1);
  const json report = json::parse(read_bytes(file));
  CHECK(report["passed"] == 1);
  CHECK(report["failed"] == 1);
  CHECK(report["skipped"] == 1);
  REQUIRE(report["cases"].size() == 3);
  const auto entry = [&](const std::string& name) {
    return *std::find_if(report["cases"].begin(), report["cases"].end(), [&](const json& e) { return e["case"] == name; });
  };
  CHECK(entry("passes")["result"] == "passed");
  CHECK(entry("passes")["core"] == "mmd-mp/gram_stats");
  CHECK(entry("passes")["backend"] == "cpu");
  CHECK(entry("passes")["largest_error"]["double"].get<double>() < 1e-12);
  CHECK_FALSE(entry("passes").contains("message"));
  CHECK(entry("fails")["result"] == "failed");
  CHECK(entry("fails")["largest_error"]["double"].get<double>() == doctest::Approx(0.25));
  CHECK(entry("fails")["message"].get<std::string>().find("biased") != std::string::npos);
  CHECK(entry("unknown")["result"] == "skipped");
  CHECK_FALSE(entry("unknown").contains("backend"));
}
