#include "program.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "registry.hpp"
#include "report_json.hpp"
#include "runner.hpp"

namespace golden {
namespace {

constexpr int exit_failed = 1, exit_usage = 2;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void print(const outcome& o) {
  if (o.result == verdict::passed) return;
  // One line each, whatever a message brings along.
  std::string message = o.message;
  for (char& c : message)
    if (c == '\n' || c == '\r') c = ' ';
  std::cout << (o.result == verdict::failed ? "FAILED " : "skipped ") << o.name << (o.backend.empty() ? "" : " on ") << o.backend
            << ": " << message << '\n';
}

int usage(const program& p, const std::string& message) {
  std::cerr << p.name << ": " << message << '\n';
  return exit_usage;
}

int run(const program& p, const std::string& root, const std::string& backend, const std::string& json_file) {
  const std::vector<std::string> built = backends();
  if (!backend.empty() && !is_backend_name(backend))
    return usage(p, "unknown backend '" + backend + "'; this build has " + joined(built));
  if (!backend.empty() && std::find(built.begin(), built.end(), backend) == built.end())
    return usage(p, "backend '" + backend + "' was not built, or this machine has no such device; there is " + joined(built));
  if (!std::filesystem::is_directory(root)) return usage(p, "no such folder: " + root);
  const auto cases = find_cases(root);
  if (cases.empty()) return usage(p, "no case.json in or below " + root);

  std::vector<outcome> outcomes;
  for (const auto& folder : cases)
    for (outcome& o : run_case(root, folder, p.layer, backend.empty() ? built : std::vector{backend})) {
      print(o);
      outcomes.push_back(std::move(o));
    }
  const counts total = count(outcomes);
  std::cout << total.passed << " passed, " << total.failed << " failed, " << total.skipped << " skipped" << std::endl;
  if (!json_file.empty() && !write_json(json_file, outcomes)) return usage(p, "cannot write " + json_file);
  return total.failed == 0 ? 0 : exit_failed;
}

}  // namespace

int run_program(const program& p, int argc, char** argv) {
  CLI::App app("Runs the golden fixtures of layer '" + p.layer +
               "' below a folder, in double and in float, and compares with their expected outputs");
  std::string root, backend, json_file;
  app.add_option("ROOT", root, "a folder of cases, searched recursively")->required();
  app.add_option("--backend", backend,
                 "cpu, thrust-cpp, thrust-omp, thrust-tbb, gpu or gpu-emulated; by default every one built");
  app.add_option("--json", json_file, "write the outcomes to this file");
  try {
    app.parse(argc, argv);
    return run(p, root, backend, json_file);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  } catch (const std::exception& e) {
    return usage(p, e.what());
  }
}

}  // namespace golden
