#pragma once
/// \file
/// LibTorch: tensors as views (`from_torch`), and losses that `backward()` goes through (namespace `dispar::autograd`).
///
///     auto loss = dispar::autograd::mmd_estimate(x, y, dispar::gaussian{2.0});
///     loss.backward();

#include "dispar/interop/torch/contrastive.hpp"
#include "dispar/interop/torch/mmd.hpp"
#include "dispar/interop/torch/preference.hpp"
#include "dispar/interop/torch/rows.hpp"
#include "dispar/interop/torch/series.hpp"
#include "dispar/interop/torch/view.hpp"
