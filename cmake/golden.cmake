# dispar_golden ROOT: the fixture runner. tests/golden/*.cpp are compiled once, tests/golden/cores/*.cpp once for every backend
# (cores/backend_under_test.hpp), so that no file compiles for long. It has a main function of its own.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/golden/*.cpp)
file(GLOB cores CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/golden/cores/*.cpp)

add_executable(dispar_golden ${sources})
target_link_libraries(dispar_golden PRIVATE dispar_build_flags dispar_native nlohmann_json::nlohmann_json CLI11::CLI11
  Threads::Threads)

# dispar_golden_backend(NAME DEFINITION LIBRARIES...): the cores on one more backend.
function(dispar_golden_backend name definition)
  add_library(dispar_golden_${name} OBJECT ${cores})
  target_compile_definitions(dispar_golden_${name} PRIVATE ${definition})
  target_link_libraries(dispar_golden_${name} PRIVATE dispar_build_flags dispar_native ${ARGN})
  # An object library's objects, and apart from them what they are linked with.
  target_link_libraries(dispar_golden PRIVATE dispar_golden_${name} ${ARGN})
endfunction()

dispar_golden_backend(cpu DISPAR_GOLDEN_CPU)
foreach(system IN LISTS DISPAR_THRUST_SYSTEMS)
  dispar_golden_backend(thrust_${system} DISPAR_GOLDEN_THRUST=${system} dispar_thrust)
  # The same engine again, with other executors: optimizing it as hard as on the CPU would double the test command's time.
  target_compile_options(dispar_golden_thrust_${system} PRIVATE -O1)
endforeach()
if(TARGET dispar_emulated_cuda)
  # The kernels of the gpu backend on the CPU: tests/cuda_emulation.
  dispar_golden_backend(gpu_emulated DISPAR_GOLDEN_GPU=gpu-emulated dispar_emulated_cuda)
  target_link_libraries(dispar_golden PRIVATE dispar_cuda_emulation)
endif()

dispar_register_test(dispar_golden quick dispar_golden ${CMAKE_CURRENT_SOURCE_DIR}/golden)
