#pragma once
/// \file
/// The losses of `dispar/contrastive.hpp` on torch tensors.
///
///     auto loss = autograd::infonce(images, texts, contrastive::cosine{}, autograd::learnt<contrastive::exponential_scale>(t),
///                                   {.anchors = contrastive::direction::both});
///     loss.backward();
///
/// Rows are embeddings, as a network gives them: scaling them is part of the loss. Tensors are float or double, of any strides,
/// on the CPU, or with a `gpu_embedding_entry` on a CUDA device, and are not copied; labels are int64. The value is a scalar
/// tensor of the type of the first. backward() reaches embeddings, and numbers that are given as tensors (`learnt`, `scalar`);
/// nothing is computed for what does not require a gradient. Gradients are computed with the value, and kept until backward(). A
/// second derivative throws. Bad input throws `dispar::invalid_argument`, which is no c10::Error.

#include "dispar/interop/torch/contrastive_labels.hpp"
#include "dispar/interop/torch/contrastive_pairs.hpp"
#include "dispar/interop/torch/contrastive_statistics.hpp"
