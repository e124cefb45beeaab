# One line for each thing that was found or is missing, so that nobody wonders why a test did not run.
function(dispar_report name condition yes no)
  if(${condition})
    message(STATUS "dispar: ${name}: ${yes}")
  else()
    message(STATUS "dispar: ${name}: ${no}")
  endif()
endfunction()

list(JOIN DISPAR_THRUST_SYSTEMS ", " systems)
dispar_report("OpenMP" OpenMP_CXX_FOUND "yes" "no, the cpu backend is serial")
dispar_report("Thrust" systems "${systems} (${DISPAR_THRUST_INCLUDE_DIR})" "not found or off, its tests are left out")
list(JOIN CMAKE_CUDA_ARCHITECTURES ", sm_" architectures)
dispar_report("CUDA" DISPAR_CUDA_FOUND "compiled for sm_${architectures} by nvcc ${CMAKE_CUDA_COMPILER_VERSION}"
  "nvcc not found or DISPAR_CUDA is OFF, .cu files are left out")
if(DISPAR_CUDA_FOUND)
  dispar_report("GPU" DISPAR_GPU_FOUND "yes"
    "none on this machine: CUDA programs are compiled, their tests, fixtures and benchmarks are skipped")
  dispar_report("compute-sanitizer" DISPAR_COMPUTE_SANITIZER "${DISPAR_COMPUTE_SANITIZER}"
    "not found, memcheck and racecheck of the CUDA tests are skipped")
endif()
dispar_report("LibTorch" "TARGET;dispar_torch" "${DISPAR_TORCH_VERSION} (${DISPAR_TORCH_CPU_LIBRARY})"
  "not found or off, its tests and examples are left out")
if(DISPAR_TESTS)
  dispar_report("Eigen" "TARGET;Eigen3::Eigen" "yes" "not found, its tests are left out")
  dispar_report("xtensor" "TARGET;xtensor" "yes" "not found, its tests are left out")
endif()
dispar_report("instruction set" DISPAR_HAS_MARCH_NATIVE
  "this machine's (-march=native, in tests, benchmarks and examples only: a program that uses dispar::dispar sets its own)"
  "the compiler's baseline")
