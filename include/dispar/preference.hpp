#pragma once
/// \file
/// Training on preferences: log-probabilities of sequences, the losses of the DPO family and of D2O, InTRO, policy gradients;
/// values and gradients. Includes the CPU backend; other backends by their own header.

/// \namespace dispar::preference
/// Losses on which answers a language model should prefer, from logits or from log-probabilities of answers.

#include "dispar/backend/cpu.hpp"
#include "dispar/preference/candidates.hpp"
#include "dispar/preference/draw_candidates.hpp"
#include "dispar/preference/from_logits.hpp"
#include "dispar/preference/intro.hpp"
#include "dispar/preference/intro_limit.hpp"
#include "dispar/preference/jeffrey.hpp"
#include "dispar/preference/losses.hpp"
#include "dispar/preference/marginal_likelihood.hpp"
#include "dispar/preference/pair_loss.hpp"
#include "dispar/preference/pairs.hpp"
#include "dispar/preference/policy_gradient.hpp"
#include "dispar/preference/sequence_logps.hpp"
#include "dispar/preference/token_targets.hpp"
