#pragma once

#include "dispar/backend/array.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Numbers that live as long as a call: on the stack where they are few, so that a row of logits needs no heap.
template<class T, class Backend>
class call_memory {
public:
  call_memory(const Backend& b, index count) {
    if (count > few) many_ = array<T, 1, Backend>(b, {count});
  }
  call_memory(const call_memory&) = delete;
  call_memory& operator=(const call_memory&) = delete;
  [[nodiscard]] T* data() noexcept { return many_.data() ? many_.data() : reinterpret_cast<T*>(stack_); }

private:
  static constexpr index few = 8192 / static_cast<index>(sizeof(T));
  alignas(T) unsigned char stack_[8192];
  array<T, 1, Backend> many_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
