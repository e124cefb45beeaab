#!/bin/sh
# dispar_gpu_peer on a machine without a GPU.
echo "dispar_gpu_peer: no GPU (no CUDA-capable device is detected)" >&2
exit 1
