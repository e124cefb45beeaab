#pragma once
/// \file
/// Many small problems at once: a backend runs whole problems side by side where that beats sharing out each one.

#include "dispar/backend/host/tiled_host.hpp"

DISPAR_NAMESPACE_BEGIN

/// Calls `task(inner, g)` for g = 0 .. count - 1, where `inner` is a backend for that problem alone. Here one after the other,
/// each with all of `b`. The exception of the least g that throws is passed on.
template<backend B, class Task>
void for_each_group(const B& b, index count, const Task& task) {
  for (index g = 0; g < count; ++g) task(b, g);
}

/// On the host one thread per problem: `inner` is serial, and `b` runs the problems. Same bits as one after the other.
template<class Each, class Memory, class Task>
void for_each_group(const tiled_host<Each, Memory>& b, index count, const Task& task) {
  const tiled_host<serial, Memory> inner{{}, b.memory};
  each_may_throw(b.each, count, [&](index g) { task(inner, g); });
}

DISPAR_NAMESPACE_END
