// nvcc tells CUDA by the name of the file: the same source, for the GPU.
#include "drift_test.cpp"
