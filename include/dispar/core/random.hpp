#pragma once
/// \file
/// Random draws, each a pure function of a `random_key` and a global index: shards, threads and devices agree without
/// communicating. Integers, signs, subsets and uniforms are the same bits on every backend, normals agree to 4 ulps.

#include "dispar/core/random/bounded.hpp"      // IWYU pragma: export
#include "dispar/core/random/normal.hpp"       // IWYU pragma: export
#include "dispar/core/random/permutation.hpp"  // IWYU pragma: export
#include "dispar/core/random/rademacher.hpp"   // IWYU pragma: export
#include "dispar/core/random/subset.hpp"       // IWYU pragma: export
#include "dispar/core/random/uniform.hpp"      // IWYU pragma: export
