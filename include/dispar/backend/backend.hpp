#pragma once

#include <concepts>
#include <cstddef>

#include "dispar/core/space.hpp"

DISPAR_NAMESPACE_BEGIN

/// Where and how a computation runs: a copyable value that names a memory space, allocates in stream order and can wait.
/// What it can compute is told by the capabilities below, so that a partial backend compiles and fails readably.
template<class B>
concept backend = std::copyable<B> && requires(const B b, void* p, std::size_t n) {
  typename B::space;
  requires memory_space<typename B::space>;
  { b.allocate(n) } -> std::same_as<void*>;
  b.deallocate(p, n);
  b.wait();
};

/// Capabilities: `static constexpr bool has_pairwise = true;` and so on in the backend.
template<class B>
concept has_pairwise = backend<B> && B::has_pairwise;
template<class B>
concept has_rows = backend<B> && B::has_rows;
template<class B>
concept has_sort = backend<B> && B::has_sort;
template<class B>
concept has_linalg = backend<B> && B::has_linalg;

DISPAR_NAMESPACE_END
