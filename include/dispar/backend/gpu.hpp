#pragma once
/// \file
/// NVIDIA GPUs: `dispar::gpu{&context}`. For files that nvcc compiles, as C++20.
///
/// A plain version: multiply-adds of the data's type from shared-memory tiles, no tensor cores, and it has been compiled
/// (nvcc 13, sm_80 and sm_90) but not run.

#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/gpu/managed_and_pinned.hpp"
#include "dispar/backend/gpu/pair_list.hpp"
#include "dispar/backend/gpu/pairwise.hpp"
#include "dispar/backend/gpu/samples.hpp"
#include "dispar/backend/gpu/transfer.hpp"
