# Packages that tests, benchmarks and examples use. The library itself needs none.
# find_package first; where a package is absent, the pinned version (the one of Debian 12, which CI tests) is downloaded,
# checked by commit id or SHA-256. -DDISPAR_FETCH=OFF never downloads.
include(FetchContent)
set(FETCHCONTENT_QUIET OFF)

# dispar_dependency(PACKAGE TARGET SOURCE...): a macro, since find_package's targets belong to the directory that calls.
macro(dispar_dependency package target)
  if(NOT TARGET ${target})
    find_package(${package} QUIET)
    if(NOT TARGET ${target} AND DISPAR_FETCH)
      message(STATUS "dispar: ${package} is not installed, downloading the pinned version")
      FetchContent_Declare(${package} ${ARGN} SYSTEM)
      FetchContent_MakeAvailable(${package})
    endif()
  endif()
endmacro()

# What a test, benchmark or example cannot be built without.
macro(dispar_required_dependency package target)
  dispar_dependency(${package} ${target} ${ARGN})
  if(NOT TARGET ${target})
    message(FATAL_ERROR "dispar: ${package} was not found. Install it (README.md names the packages), or set DISPAR_FETCH=ON.")
  endif()
endmacro()

# Some of the pinned versions declare a minimum that CMake 4 refuses.
set(CMAKE_POLICY_VERSION_MINIMUM 3.5)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)

set(JSON_BuildTests OFF)
set(JSON_Install OFF)
dispar_required_dependency(nlohmann_json nlohmann_json::nlohmann_json
  GIT_REPOSITORY https://github.com/nlohmann/json.git
  GIT_TAG bc889afb4c5bf1c0d8ee29ef35eaaf4c8bef8a5d) # 3.11.2

if(DISPAR_TESTS OR DISPAR_EXAMPLES OR DISPAR_BENCHMARKS)
  set(CLI11_BUILD_TESTS OFF)
  set(CLI11_BUILD_EXAMPLES OFF)
  set(CLI11_BUILD_DOCS OFF)
  set(CLI11_INSTALL OFF)
  dispar_required_dependency(CLI11 CLI11::CLI11
    GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git
    GIT_TAG 70f8072f9dd2292fd0b9f9e5f58e279f60483ed3) # 2.1.2
endif()

if(DISPAR_BENCHMARKS)
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  set(BENCHMARK_ENABLE_WERROR OFF)
  set(BENCHMARK_INSTALL_DOCS OFF)
  dispar_required_dependency(benchmark benchmark::benchmark
    GIT_REPOSITORY https://github.com/google/benchmark.git
    GIT_TAG d572f4777349d43653b21d6c2fc63020ab326db2) # 1.7.1
endif()

if(DISPAR_TESTS)
  find_package(Threads REQUIRED)
  set(DOCTEST_WITH_TESTS OFF)
  set(DOCTEST_WITH_MAIN_IN_STATIC_LIB OFF)
  set(DOCTEST_NO_INSTALL ON)
  dispar_required_dependency(doctest doctest::doctest
    GIT_REPOSITORY https://github.com/doctest/doctest.git
    GIT_TAG b7c21ec5ceeadb4951b00396fc1e4642dd347e5f) # 2.4.9

  # Optional: the tests and headers that need them are left out where they are absent.
  set(EIGEN_BUILD_DOC OFF)
  set(EIGEN_BUILD_TESTING OFF)
  set(EIGEN_BUILD_PKGCONFIG OFF)
  dispar_dependency(Eigen3 Eigen3::Eigen
    URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.bz2
    URL_HASH SHA256=b4c198460eba6f28d34894e3a5710998818515104d6e74e5cc331ce31e46e626)
  find_package(xtensor QUIET)
  if(NOT TARGET xtensor)
    dispar_dependency(xtl xtl
      GIT_REPOSITORY https://github.com/xtensor-stack/xtl.git
      GIT_TAG e0f00666d90086bb245ae73abb6123d0e2c1b30b) # 0.7.2
    dispar_dependency(xtensor xtensor
      GIT_REPOSITORY https://github.com/xtensor-stack/xtensor.git
      GIT_TAG 9e8662ddad7fcd1a96969b96bf8955e59cf44978) # 0.24.3
  endif()
endif()

# --- CUDA: compiled wherever nvcc is, run only where a GPU is -----------------------------------------------------------
set(DISPAR_CUDA_FOUND OFF)
set(DISPAR_CUDA_RUNS OFF)
set(DISPAR_GPU_FOUND OFF)
if(DISPAR_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit QUIET)
    # CMake 3.25 does not know how nvcc 12 and later spell C++20.
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    set(CMAKE_CUDA_EXTENSIONS OFF)
    set(DISPAR_CUDA_FOUND ON)
    find_program(DISPAR_COMPUTE_SANITIZER compute-sanitizer HINTS ${CUDAToolkit_BIN_DIR})
    if(EXISTS /dev/nvidia0 OR EXISTS /dev/dxg)  # Linux, Windows' subsystem for Linux
      set(DISPAR_GPU_FOUND ON)
    endif()
    # Without a GPU, and unless -DDISPAR_CUDA=ON asks for it, what nvcc makes is only compiled, in as little time as possible.
    if(DISPAR_GPU_FOUND OR NOT DISPAR_CUDA STREQUAL "AUTO")
      set(DISPAR_CUDA_RUNS ON)
    else()
      # nvcc hands the host compiler this level behind every -Xcompiler.
      string(REPLACE "-O3" "-O0" CMAKE_CUDA_FLAGS_RELEASE "${CMAKE_CUDA_FLAGS_RELEASE}")
    endif()
  elseif(NOT DISPAR_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "dispar: DISPAR_CUDA=${DISPAR_CUDA}, but nvcc was not found")
  endif()
endif()

# --- Thrust's host systems: the headers of the CUDA Toolkit (CCCL), else those of Debian's libthrust-dev ---------------
set(DISPAR_THRUST_SYSTEMS "")
if(DISPAR_THRUST)
  find_path(DISPAR_THRUST_INCLUDE_DIR thrust/version.h
    HINTS ${CUDAToolkit_INCLUDE_DIRS} /usr/local/cuda/include PATH_SUFFIXES cccl)
  if(DISPAR_THRUST_INCLUDE_DIR)
    add_library(dispar_thrust INTERFACE)
    target_include_directories(dispar_thrust SYSTEM INTERFACE ${DISPAR_THRUST_INCLUDE_DIR})
    set(DISPAR_THRUST_SYSTEMS cpp)
    if(TARGET OpenMP::OpenMP_CXX)
      list(APPEND DISPAR_THRUST_SYSTEMS omp)
    endif()
    if(DISPAR_TBB)
      find_package(TBB QUIET)
      if(TARGET TBB::tbb)
        target_link_libraries(dispar_thrust INTERFACE TBB::tbb)
        target_compile_definitions(dispar_thrust INTERFACE DISPAR_WITH_TBB)
        list(APPEND DISPAR_THRUST_SYSTEMS tbb)
      endif()
    endif()
    target_compile_definitions(dispar_thrust INTERFACE DISPAR_WITH_THRUST THRUST_HOST_SYSTEM=THRUST_HOST_SYSTEM_CPP)
  endif()
endif()
