# dispar_golden ROOT: the fixture runner. tests/golden/*.cpp are compiled once, tests/golden/cores/*.cpp once for every backend
# (cores/backend_under_test.hpp), so that no file compiles for long. It has a main function of its own.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/golden/*.cpp)
file(GLOB cores CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/golden/cores/*.cpp)
if(TARGET Eigen3::Eigen)
  dispar_quiet_eigen(${CMAKE_CURRENT_SOURCE_DIR}/golden/cores/recap_fid.cpp)
else()  # the host's linear algebra
  list(FILTER cores EXCLUDE REGEX "/recap_fid\\.cpp$")
endif()

add_executable(dispar_golden ${sources})
target_link_libraries(dispar_golden PRIVATE dispar_build_flags dispar_native nlohmann_json::nlohmann_json CLI11::CLI11
  Threads::Threads)

# dispar_golden_backend(NAME DEFINITION LIBRARIES...): the cores on one more backend.
function(dispar_golden_backend name definition)
  add_library(dispar_golden_${name} OBJECT ${cores})
  target_compile_definitions(dispar_golden_${name} PRIVATE ${definition})
  target_link_libraries(dispar_golden_${name} PRIVATE dispar_build_flags dispar_native ${ARGN})
  if(TARGET Eigen3::Eigen)
    target_link_libraries(dispar_golden_${name} PRIVATE Eigen3::Eigen)
  endif()
  # An object library's objects, and apart from them what they are linked with.
  target_link_libraries(dispar_golden PRIVATE dispar_golden_${name} ${ARGN})
endfunction()

dispar_golden_backend(cpu DISPAR_GOLDEN_CPU)
foreach(system IN LISTS DISPAR_THRUST_SYSTEMS)
  dispar_golden_backend(thrust_${system} DISPAR_GOLDEN_THRUST=${system} dispar_thrust)
  # The same engine again, with other executors: optimizing it would double the test command's time.
  target_compile_options(dispar_golden_thrust_${system} PRIVATE -O0)
endforeach()
if(TARGET dispar_emulated_cuda)
  # The kernels of the gpu backend on the CPU: tests/cuda_emulation.
  dispar_golden_backend(gpu_emulated DISPAR_GOLDEN_GPU=gpu-emulated dispar_emulated_cuda)
  target_link_libraries(dispar_golden PRIVATE dispar_cuda_emulation)
endif()
if(DISPAR_CUDA_RUNS)  # a minute of nvcc that on other machines proves no more than the emulation
  set(cuda_cores "")
  foreach(core IN LISTS cores)
    cmake_path(GET core STEM name)
    set(wrapper ${CMAKE_CURRENT_BINARY_DIR}/golden/cores/${name}.cu)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"@core@\"\n" @ONLY)
    list(APPEND cuda_cores ${wrapper})
  endforeach()
  add_library(dispar_golden_gpu OBJECT ${cuda_cores})
  target_compile_definitions(dispar_golden_gpu PRIVATE DISPAR_GOLDEN_GPU=gpu)
  target_include_directories(dispar_golden_gpu PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(dispar_golden_gpu PRIVATE dispar_build_flags)
  # Fixtures are small: one architecture, and little optimization, compile in half of the time.
  set_target_properties(dispar_golden_gpu PROPERTIES CUDA_ARCHITECTURES 80)
  target_compile_options(dispar_golden_gpu PRIVATE -Xcicc=-O1 -Xptxas=-O1)
  target_link_libraries(dispar_golden PRIVATE dispar_golden_gpu)
  foreach(library IN ITEMS CUDA::cublas CUDA::cusolver)
    if(TARGET ${library})
      target_link_libraries(dispar_golden PRIVATE ${library})
    endif()
  endforeach()
endif()

dispar_register_test(dispar_golden quick dispar_golden ${CMAKE_CURRENT_SOURCE_DIR}/golden)

# dispar_model_golden ROOT: the same runner for whole models. Networks are those of the examples.
if(TARGET dispar_torch AND DISPAR_EXAMPLES)
  file(GLOB model_cores CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/golden/model/*.cpp)
  set(runner ${sources})
  list(REMOVE_ITEM runner ${CMAKE_CURRENT_SOURCE_DIR}/golden/main.cpp)
  add_executable(dispar_model_golden ${runner} ${model_cores} golden/cores/backend_registration.cpp)
  target_compile_definitions(dispar_model_golden PRIVATE DISPAR_GOLDEN_CPU)
  target_link_libraries(dispar_model_golden PRIVATE dispar_build_flags dispar_native nlohmann_json::nlohmann_json CLI11::CLI11
    Threads::Threads dispar_torch mmd_mp_network)
  dispar_register_test(dispar_model_golden full dispar_model_golden ${CMAKE_CURRENT_SOURCE_DIR}/golden)
endif()
if(TARGET dispar_golden_gpu)
  dispar_register_test(dispar_golden_gpu gpu dispar_golden ${CMAKE_CURRENT_SOURCE_DIR}/golden --backend gpu)
  set_tests_properties(dispar_golden_gpu PROPERTIES SKIP_REGULAR_EXPRESSION "this machine has no such device")
  add_dependencies(dispar_gpu dispar_golden)
endif()
