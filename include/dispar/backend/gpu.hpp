#pragma once
/// \file
/// NVIDIA GPUs: `dispar::gpu{&context}`. For files that nvcc compiles, as C++20.
///
/// Metrics that are a matrix product run on tensor cores for float rows (`dispar::precision` says how exactly), other metrics and
/// double in multiply-adds. Needs compute capability 8.0: `nvcc -arch=sm_80` or later. Compiled with nvcc 13.
/// Tested with the kernels emulated on the CPU (tests/cuda_emulation); it has never run on a GPU.

#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/gpu/gather.hpp"
#include "dispar/backend/gpu/managed_and_pinned.hpp"
#include "dispar/backend/gpu/order_statistics.hpp"
#include "dispar/backend/gpu/pair_list.hpp"
#include "dispar/backend/gpu/pairwise.hpp"
#include "dispar/backend/gpu/precision.hpp"
#include "dispar/backend/gpu/ranked_rows.hpp"
#include "dispar/backend/gpu/row_stream.hpp"
#include "dispar/backend/gpu/rows.hpp"
#include "dispar/backend/gpu/samples.hpp"
#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/gpu/select.hpp"
#include "dispar/backend/gpu/step.hpp"
#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/backend/gpu/weights.hpp"
#include "dispar/backend/sort.hpp"
