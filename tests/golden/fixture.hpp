#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "array.hpp"

namespace golden {

/// `allclose`: |got - expected| <= atol + rtol |expected|.
struct tolerance {
  double rtol = 0, atol = 0;
};

/// A case.json and its arrays, which are read when they are asked for. Every complaint is a `std::runtime_error` that names
/// the field or file.
class fixture {
public:
  /// `folder` holds the case.json.
  explicit fixture(const std::filesystem::path& folder);
  ~fixture();
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  [[nodiscard]] const std::string& core() const { return core_; }
  [[nodiscard]] const std::string& layer() const { return layer_; }

  /// Parameters; null is the same as not being there. Those without `fallback` must be there.
  [[nodiscard]] double number(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name, double fallback) const;
  [[nodiscard]] dispar::index integer(const std::string& name) const;
  [[nodiscard]] dispar::index integer(const std::string& name, dispar::index fallback) const;
  /// A parameter that is true or false.
  [[nodiscard]] bool flag(const std::string& name, bool fallback) const;
  /// Whether a parameter is there and a string.
  [[nodiscard]] bool is_text(const std::string& name) const;
  /// A string parameter, one of `known`; the first of them where it is absent.
  [[nodiscard]] std::string text(const std::string& name, const std::vector<std::string>& known) const;
  [[nodiscard]] std::vector<double> numbers(const std::string& name, const std::vector<double>& fallback) const;
  /// A list of strings that must be there.
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;

  [[nodiscard]] array input(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> expected_names() const;
  [[nodiscard]] bool expects(const std::string& name) const;
  [[nodiscard]] array expected(const std::string& name) const;

  /// The tolerance in double precision of an expected output: its own entry of `per_output`; else, where the case tells them
  /// apart, that of `gradients` for outputs called `grad...` and of `values` for the others. Integers match exactly, unless
  /// they have an entry of their own.
  [[nodiscard]] tolerance tolerance_of(const std::string& name) const;

private:
  struct document;
  [[nodiscard]] bool has_parameter(const std::string& name) const;
  [[nodiscard]] array read(const char* section, const std::string& name) const;

  std::filesystem::path folder_;
  std::unique_ptr<document> json_;
  std::string core_, layer_;
};

}  // namespace golden
