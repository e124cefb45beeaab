# How our own programs are compiled. None of this reaches the users of dispar::dispar.
include(CheckCXXCompilerFlag)

add_library(dispar_build_flags INTERFACE)
target_link_libraries(dispar_build_flags INTERFACE dispar::dispar)
target_compile_options(dispar_build_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion>)
# "literal" + std::string warns at -O3 inside libstdc++ (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(dispar_build_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(DISPAR_WERROR)
  target_compile_options(dispar_build_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(DISPAR_CUDA_FOUND)
  target_compile_options(dispar_build_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>")
  if(DISPAR_WERROR)
    target_compile_options(dispar_build_flags INTERFACE
      "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Werror;-Werror=cross-execution-space-call>")
  endif()
  if(OpenMP_CXX_FOUND)
    target_compile_options(dispar_build_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${OpenMP_CXX_FLAGS}>")
  endif()
endif()

# Apart, so that a test can be compiled without it.
add_library(dispar_native INTERFACE)
if(DISPAR_NATIVE)
  check_cxx_compiler_flag(-march=native DISPAR_HAS_MARCH_NATIVE)
  if(DISPAR_HAS_MARCH_NATIVE)
    target_compile_options(dispar_native INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
  endif()
endif()
