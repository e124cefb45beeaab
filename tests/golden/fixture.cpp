#include "fixture.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "npy.hpp"

namespace golden {

struct fixture::document {
  nlohmann::json root;
};

namespace {

using nlohmann::json;

[[noreturn]] void complain(const std::string& what) { throw std::runtime_error("case.json: " + what); }

const json& member(const json& object, const std::string& name, const std::string& where) {
  const auto found = object.find(name);
  if (found == object.end()) complain(where + " '" + name + "' is missing");
  return *found;
}

double to_number(const json& value, const std::string& name) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (!value.is_number()) complain("parameter '" + name + "' is no number");
  return value.get<double>();
}

std::string to_text(const json& value, const std::string& name) {
  if (!value.is_string()) complain("'" + name + "' is no string");
  return value.get<std::string>();
}

/// {rtol, atol}, {rel, abs} or {exact: true}.
tolerance to_tolerance(const json& value) {
  if (!value.is_object()) complain("a tolerance is no object");
  if (value.value("exact", false)) return {};
  const auto entry = [&](const char* name, const char* short_name) {
    const json& number = value.contains(name) ? value[name] : member(value, short_name, "tolerance");
    const double t = to_number(number, name);
    if (!(t >= 0)) complain(std::string("tolerance '") + name + "' is negative");
    return t;
  };
  return {entry("rtol", "rel"), entry("atol", "abs")};
}

}  // namespace

fixture::fixture(const std::filesystem::path& folder) : folder_(folder), json_(std::make_unique<document>()) {
  std::ifstream file(folder / "case.json");
  if (!file) complain("cannot be read");
  try {
    json_->root = json::parse(file);
  } catch (const json::exception& e) {
    complain(std::string("damaged: ") + e.what());
  }
  const json& root = json_->root;
  if (!root.is_object()) complain("is no object");
  core_ = to_text(member(root, "core", "field"), "core");
  layer_ = to_text(member(root, "layer", "field"), "layer");
  for (const char* section : {"params", "inputs", "expected"})
    if (root.contains(section) && !root[section].is_object()) complain(std::string("'") + section + "' is no object");
}

fixture::~fixture() = default;

double fixture::number(const std::string& name) const {
  return to_number(member(member(json_->root, "params", "field"), name, "parameter"), name);
}

bool fixture::has_parameter(const std::string& name) const {
  const auto params = json_->root.find("params");
  return params != json_->root.end() && params->contains(name) && !(*params)[name].is_null();
}

double fixture::number(const std::string& name, double fallback) const { return has_parameter(name) ? number(name) : fallback; }

dispar::index fixture::integer(const std::string& name) const {
  const double value = number(name);
  if (value != std::nearbyint(value) || std::fabs(value) > 1e15) complain("parameter '" + name + "' is no integer");
  return static_cast<dispar::index>(value);
}

dispar::index fixture::integer(const std::string& name, dispar::index fallback) const {
  return has_parameter(name) ? integer(name) : fallback;
}

bool fixture::flag(const std::string& name, bool fallback) const {
  if (!has_parameter(name)) return fallback;
  const json& value = json_->root["params"][name];
  if (!value.is_boolean()) complain("parameter '" + name + "' is neither true nor false");
  return value.get<bool>();
}

bool fixture::is_text(const std::string& name) const { return has_parameter(name) && json_->root["params"][name].is_string(); }

std::string fixture::text(const std::string& name, const std::vector<std::string>& known) const {
  if (!has_parameter(name)) return known.front();
  std::string value = to_text(json_->root["params"][name], name);
  if (std::find(known.begin(), known.end(), value) == known.end())
    complain("parameter '" + name + "' has the unknown value '" + value + "'");
  return value;
}

std::vector<double> fixture::numbers(const std::string& name, const std::vector<double>& fallback) const {
  if (!has_parameter(name)) return fallback;
  const json& list = json_->root["params"][name];
  if (!list.is_array()) complain("parameter '" + name + "' is no list");
  std::vector<double> values;
  for (const json& value : list) values.push_back(to_number(value, name));
  return values;
}

std::vector<std::string> fixture::texts(const std::string& name) const {
  const json& list = member(member(json_->root, "params", "field"), name, "parameter");
  if (!list.is_array()) complain("parameter '" + name + "' is no list");
  std::vector<std::string> values;
  for (const json& value : list) values.push_back(to_text(value, name));
  return values;
}

array fixture::read(const char* section, const std::string& name) const {
  const json& entry = member(member(json_->root, section, "field"), name, section);
  if (!entry.is_object()) complain(std::string(section) + " '" + name + "' is no object");
  const std::string file = to_text(member(entry, "file", name), "file");
  array a = read_npy(folder_ / file);
  const std::string what = std::string(section) + " '" + name + "'";
  if (entry.contains("dtype")) {
    const std::string type = to_text(entry["dtype"], "dtype"), found = a.integral ? "int64" : "float64";
    if (type != found) complain(what + " has the dtype " + type + ", " + file + " " + found);
  }
  if (entry.contains("shape")) {
    const json& shape = entry["shape"];
    bool same = shape.is_array() && shape.size() == a.shape.size();
    for (std::size_t i = 0; same && i < a.shape.size(); ++i) same = shape[i].is_number_integer() && shape[i] == a.shape[i];
    if (!same) complain(what + " has the shape " + shape.dump() + ", " + file + " " + shape_text(a.shape));
  }
  return a;
}

array fixture::input(const std::string& name) const { return read("inputs", name); }
array fixture::expected(const std::string& name) const { return read("expected", name); }

std::vector<std::string> fixture::expected_names() const {
  std::vector<std::string> names;
  for (const auto& entry : member(json_->root, "expected", "field").items()) names.push_back(entry.key());
  return names;
}

bool fixture::expects(const std::string& name) const {
  const auto found = json_->root.find("expected");
  return found != json_->root.end() && found->contains(name);
}

tolerance fixture::tolerance_of(const std::string& name) const {
  const json& given = member(json_->root, "tolerance", "field");
  if (!given.is_object()) complain("'tolerance' is no object");
  const auto own = given.find("per_output");
  if (own != given.end() && own->is_object() && own->contains(name)) return to_tolerance((*own)[name]);
  if (expected(name).integral) return {};
  if (given.contains("values") || given.contains("gradients"))
    return to_tolerance(member(given, name.compare(0, 4, "grad") == 0 ? "gradients" : "values", "tolerance"));
  return to_tolerance(given);
}

}  // namespace golden
