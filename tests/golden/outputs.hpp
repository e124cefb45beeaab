#pragma once

#include <map>
#include <string>
#include <vector>

namespace golden {

/// What a core computed, by the name of the expected output; elements in C order.
class outputs {
public:
  void put(const std::string& name, double value) { values_[name] = {value}; }
  template<class T, class Allocator>
  void put(const std::string& name, const std::vector<T, Allocator>& values) {
    values_[name].assign(values.begin(), values.end());
  }
  /// Null where the core did not compute it.
  [[nodiscard]] const std::vector<double>* find(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }

private:
  std::map<std::string, std::vector<double>> values_;
};

}  // namespace golden
