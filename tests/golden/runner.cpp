#include "runner.hpp"

#include <algorithm>
#include <exception>
#include <set>

#include "compare.hpp"
#include "registry.hpp"

namespace golden {
namespace {

void collect(const std::filesystem::path& folder, std::set<std::filesystem::path>& seen,
             std::vector<std::filesystem::path>& found) {
  std::error_code error;
  // Links to folders are followed, in a circle only once.
  if (!seen.insert(std::filesystem::canonical(folder, error)).second || error) return;
  if (std::filesystem::exists(folder / "case.json", error)) found.push_back(folder);
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error)) collect(it->path(), seen, found);
}

/// Adds what is wrong in one precision to `message`; returns the largest error.
double check(const fixture& c, const core& k, bool in_float, std::string& message) {
  const auto add = [&](const std::string& text) { message += (message.empty() ? "" : "; ") + text; };
  const std::string precision = in_float ? "float" : "double";
  double largest = 0;
  try {
    outputs got;
    (in_float ? k.in_float : k.in_double)(c, got);
    for (const std::string& name : c.expected_names()) {
      const std::vector<double>* const values = got.find(name);
      if (!values) {
        add(precision + " " + name + ": not computed");
        continue;
      }
      const array expected = c.expected(name);
      tolerance allowed = c.tolerance_of(name);
      if (!in_float && !expected.integral) allowed.atol = std::max(allowed.atol, k.double_floor);
      if (in_float && !expected.integral) {
        allowed.rtol = std::max(allowed.rtol, k.float_tolerance);
        allowed.atol = std::max(allowed.atol, k.float_tolerance);
      }
      const std::string wrong = difference(*values, expected, allowed);
      if (!wrong.empty()) add(precision + " " + name + ": " + wrong);
      largest = std::max(largest, largest_error(*values, expected));
    }
  } catch (const std::exception& e) {
    add(precision + ": " + e.what());
  }
  return largest;
}

outcome run_on(const fixture& c, outcome result) {
  const core* const k = find_core(c.core(), result.backend);
  if (k->backend != result.backend || (k->host_only && result.backend != "cpu")) {
    result.result = verdict::skipped;
    result.message = k->host_only ? "a host algorithm, it counts on cpu" : "not on this backend";
    return result;
  }
  result.largest_error_double = check(c, *k, false, result.message);
  result.largest_error_float = check(c, *k, true, result.message);
  result.result = result.message.empty() ? verdict::passed : verdict::failed;
  return result;
}

}  // namespace

counts count(const std::vector<outcome>& outcomes) {
  counts total;
  for (const outcome& o : outcomes)
    ++(o.result == verdict::passed ? total.passed : o.result == verdict::failed ? total.failed : total.skipped);
  return total;
}

std::vector<std::filesystem::path> find_cases(const std::filesystem::path& root) {
  std::set<std::filesystem::path> seen;
  std::vector<std::filesystem::path> found;
  collect(root, seen, found);
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<outcome> run_case(const std::filesystem::path& root, const std::filesystem::path& folder, const std::string& layer,
                              const std::vector<std::string>& backends) {
  outcome base{folder.lexically_relative(root).string(), "", "", verdict::failed, ""};
  try {
    const fixture c(folder);
    base.core = c.core();
    if (c.layer() != layer) {
      base.result = verdict::skipped;
      base.message = "layer " + c.layer();
      return {base};
    }
    if (!find_core(c.core(), "cpu")) {
      base.result = verdict::skipped;
      base.message = "unknown core " + c.core();
      return {base};
    }
    std::vector<outcome> outcomes;
    for (const std::string& backend : backends) {
      outcome one = base;
      one.backend = backend;
      outcomes.push_back(run_on(c, one));
    }
    return outcomes;
  } catch (const std::exception& e) {
    base.message = e.what();
    return {base};
  }
}

}  // namespace golden
