#pragma once
/// \file
/// Maximum mean discrepancy: estimates, gradients, tests. Includes the CPU backend; other backends by their own header.

/// \namespace dispar::mmd
/// Maximum mean discrepancy: how far apart two samples are, its gradient, and whether it could be chance.

#include "dispar/backend/cpu.hpp"
#include "dispar/kernels.hpp"
#include "dispar/mmd/aggregated_test.hpp"
#include "dispar/mmd/batched.hpp"
#include "dispar/mmd/block.hpp"
#include "dispar/mmd/classifier_test.hpp"
#include "dispar/mmd/criterion.hpp"
#include "dispar/mmd/estimate.hpp"
#include "dispar/mmd/estimate_each.hpp"
#include "dispar/mmd/fused_test.hpp"
#include "dispar/mmd/gradient.hpp"
#include "dispar/mmd/gram.hpp"
#include "dispar/mmd/incomplete.hpp"
#include "dispar/mmd/linear_time.hpp"
#include "dispar/mmd/median_heuristic.hpp"
#include "dispar/mmd/permutation_test.hpp"
#include "dispar/mmd/single_instance.hpp"
#include "dispar/mmd/streaming.hpp"
#include "dispar/mmd/variance.hpp"
#include "dispar/mmd/wild_bootstrap.hpp"
