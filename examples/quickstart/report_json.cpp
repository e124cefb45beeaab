#include <fstream>
#include <nlohmann/json.hpp>

#include "report.hpp"

namespace quickstart {

void write_json(const report& r, const std::filesystem::path& file) {
  nlohmann::ordered_json document = {
      {"program", "dispar quickstart"},
      {"backend", backend_name()},
      {"instruction_set", instruction_set_name()},
      {"threads", r.how.threads},
      {"reference", r.reference_name},
      {"current", r.current_name},
      {"reference_rows", r.reference.rows},
      {"columns", r.reference.columns},
      {"statistic", "unbiased MMD^2"},
      {"kernel", "gaussian"},
      {"permutations", r.how.permutations},
      {"alpha", r.how.alpha},
      {"seed", r.how.seed},
      {"results", nlohmann::ordered_json::array()},
  };
  for (const result& one : r.results) {
    const outcome& o = one.found;
    document["results"].push_back({{"drift", one.drift},
                                   {"strength", one.strength},
                                   {"current_rows", one.current.rows},
                                   {"statistic", o.statistic},
                                   {"threshold", o.threshold},
                                   {"p_value", o.p_value},
                                   {"standard_score", o.standard_score},
                                   {"reject", o.drift},
                                   {"bandwidth", o.bandwidth},
                                   {"milliseconds", o.milliseconds},
                                   {"extra_bytes", o.extra_bytes}});
  }
  std::ofstream stream(file);
  stream << document.dump(2) << '\n';
  if (!stream.flush()) throw std::runtime_error(file.string() + ": cannot write");
}

}  // namespace quickstart
