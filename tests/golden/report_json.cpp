#include "report_json.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace golden {
namespace {

using nlohmann::json;

json to_json(const outcome& o) {
  json entry{{"case", o.name}, {"core", o.core}};
  entry["result"] = o.result == verdict::passed ? "passed" : o.result == verdict::failed ? "failed" : "skipped";
  if (!o.backend.empty()) entry["backend"] = o.backend;
  if (!o.message.empty()) entry["message"] = o.message;
  if (!o.backend.empty() && o.result != verdict::skipped)
    entry["largest_error"] = {{"double", o.largest_error_double}, {"float", o.largest_error_float}};
  return entry;
}

}  // namespace

bool write_json(const std::filesystem::path& file, const std::vector<outcome>& outcomes) {
  const counts total = count(outcomes);
  json report{{"passed", total.passed}, {"failed", total.failed}, {"skipped", total.skipped}, {"cases", json::array()}};
  for (const outcome& o : outcomes) report["cases"].push_back(to_json(o));
  std::ofstream out(file);
  // Names of folders may be no UTF-8.
  out << report.dump(1, ' ', false, json::error_handler_t::replace) << '\n';
  return static_cast<bool>(out.flush());
}

}  // namespace golden
