# LibTorch for tests and examples: the target dispar_torch, where it is found. Debian: libtorch-dev. A pip wheel:
#   cmake -DCMAKE_PREFIX_PATH=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')
#
# The package's TorchConfig.cmake is looked for, but not run: Debian's sets C++14 and an ABI flag for all that link it and asks
# for gflags and protobuf; that of a CUDA wheel stops the configuration without a CUDA toolkit. Two libraries (three with glog) and
# two folders are all that our programs need, and nothing reaches other targets.
set(DISPAR_TORCH AUTO CACHE STRING "LibTorch for tests and examples: ON, OFF, or AUTO (where it is found)")
set_property(CACHE DISPAR_TORCH PROPERTY STRINGS AUTO ON OFF)

# Its version is in DISPAR_TORCH_VERSION.
function(dispar_find_torch)
  find_path(DISPAR_TORCH_CONFIG_DIR TorchConfig.cmake
    HINTS ${Torch_DIR} $ENV{Torch_DIR} ${CMAKE_PREFIX_PATH}
    PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr /usr/local
    PATH_SUFFIXES Torch cmake/Torch share/cmake/Torch lib/cmake/Torch)
  mark_as_advanced(DISPAR_TORCH_CONFIG_DIR)
  if(NOT DISPAR_TORCH_CONFIG_DIR)
    return()
  endif()
  # .../torch/share/cmake/Torch of a wheel; Debian's is in the folder of the libraries.
  cmake_path(SET prefix NORMALIZE ${DISPAR_TORCH_CONFIG_DIR}/../../..)
  find_path(DISPAR_TORCH_INCLUDE_DIR torch/csrc/autograd/function.h HINTS ${prefix}/include)
  find_library(DISPAR_TORCH_CPU_LIBRARY torch_cpu HINTS ${prefix}/lib)
  find_library(DISPAR_TORCH_C10_LIBRARY c10 HINTS ${prefix}/lib)
  mark_as_advanced(DISPAR_TORCH_INCLUDE_DIR DISPAR_TORCH_CPU_LIBRARY DISPAR_TORCH_C10_LIBRARY)
  if(NOT DISPAR_TORCH_INCLUDE_DIR OR NOT DISPAR_TORCH_CPU_LIBRARY OR NOT DISPAR_TORCH_C10_LIBRARY)
    return()
  endif()

  file(STRINGS ${DISPAR_TORCH_CONFIG_DIR}/TorchConfig.cmake old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(old_abi)
    message(STATUS "dispar: LibTorch in ${prefix} has strings of the old C++ ABI (wheels until 2.5 do) and is not used")
    return()
  endif()
  set(api ${DISPAR_TORCH_INCLUDE_DIR}/torch/csrc/api/include)
  set(version_file ${api}/torch/version.h)
  if(EXISTS ${DISPAR_TORCH_INCLUDE_DIR}/torch/headeronly/version.h)
    set(version_file ${DISPAR_TORCH_INCLUDE_DIR}/torch/headeronly/version.h)
  endif()
  file(STRINGS ${version_file} lines REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^;]*TORCH_VERSION_[A-Z]+ +([0-9]+)" "\\1" numbers "${lines}")
  list(JOIN numbers "." version)

  add_library(dispar_torch INTERFACE)
  target_include_directories(dispar_torch SYSTEM INTERFACE ${DISPAR_TORCH_INCLUDE_DIR} ${api})
  target_link_libraries(dispar_torch INTERFACE ${DISPAR_TORCH_CPU_LIBRARY} ${DISPAR_TORCH_C10_LIBRARY})
  # In C++20 Clang asks for a type that 1.13 declares before it defines it.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND version VERSION_LESS 2)
    target_compile_options(dispar_torch INTERFACE "SHELL:-include ATen/core/ivalue.h")
  endif()
  # Some headers log: through glog, where LibTorch was built with it, as Debian's is.
  file(STRINGS ${DISPAR_TORCH_INCLUDE_DIR}/c10/macros/cmake_macros.h glog REGEX "^#define C10_USE_GLOG")
  if(glog)
    find_library(DISPAR_TORCH_GLOG_LIBRARY glog)
    mark_as_advanced(DISPAR_TORCH_GLOG_LIBRARY)
    if(DISPAR_TORCH_GLOG_LIBRARY)
      target_link_libraries(dispar_torch INTERFACE ${DISPAR_TORCH_GLOG_LIBRARY})
    endif()
  endif()
  set(DISPAR_TORCH_VERSION ${version} PARENT_SCOPE)
endfunction()

if(DISPAR_TORCH)
  dispar_find_torch()
  if(NOT TARGET dispar_torch AND NOT DISPAR_TORCH STREQUAL "AUTO")
    message(FATAL_ERROR "dispar: DISPAR_TORCH=${DISPAR_TORCH}, but LibTorch was not found")
  endif()
endif()
