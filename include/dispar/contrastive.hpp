#pragma once
/// \file
/// Contrastive alignment: losses that pull matched rows together and push the others apart, in memory linear in the rows.
/// Includes the CPU backend; other backends by their own header.

/// \namespace dispar::contrastive
/// Contrastive alignment: whether what belongs together lies together, as losses with gradients.

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/alignment.hpp"
#include "dispar/contrastive/barlow_twins.hpp"
#include "dispar/contrastive/batch_all_triplet.hpp"
#include "dispar/contrastive/circle.hpp"
#include "dispar/contrastive/cka.hpp"
#include "dispar/contrastive/coral.hpp"
#include "dispar/contrastive/cosent.hpp"
#include "dispar/contrastive/distillation.hpp"
#include "dispar/contrastive/global_local.hpp"
#include "dispar/contrastive/hsic.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/key_queue.hpp"
#include "dispar/contrastive/logit_matrix.hpp"
#include "dispar/contrastive/logit_states.hpp"
#include "dispar/contrastive/median_bandwidth.hpp"
#include "dispar/contrastive/modality_enhancement.hpp"
#include "dispar/contrastive/model_contrast.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "dispar/contrastive/pairwise_margin.hpp"
#include "dispar/contrastive/retrieval_ranks.hpp"
#include "dispar/contrastive/revin.hpp"
#include "dispar/contrastive/rolled_infonce.hpp"
#include "dispar/contrastive/siglip.hpp"
#include "dispar/contrastive/soft_contrastive.hpp"
#include "dispar/contrastive/supcon.hpp"
#include "dispar/contrastive/token_means.hpp"
#include "dispar/contrastive/token_spread.hpp"
#include "dispar/contrastive/triplet.hpp"
#include "dispar/contrastive/uniformity.hpp"
#include "dispar/contrastive/vicreg.hpp"
#include "dispar/contrastive/weighted_triplet.hpp"
