#pragma once
/// \file
/// Divergences of rows of logits or probabilities: values and gradients. Includes the CPU backend; other backends by their own
/// header.

/// \namespace dispar::divergence
/// How different two distributions over tokens are, row by row, from logits or probabilities.

#include "dispar/backend/cpu.hpp"
#include "dispar/divergence/alpha.hpp"
#include "dispar/divergence/clamped_jensen_shannon.hpp"
#include "dispar/divergence/cross_entropy.hpp"
#include "dispar/divergence/entropy.hpp"
#include "dispar/divergence/f_divergence.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/divergence/kullback_leibler.hpp"
#include "dispar/divergence/label_cross_entropy.hpp"
#include "dispar/divergence/rows.hpp"
#include "dispar/divergence/top_k.hpp"
#include "dispar/divergence/total_variation.hpp"
