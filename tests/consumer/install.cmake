# cmake -DBUILD=... -DSTAGE=... -P install.cmake: installs, then moves the tree to where the consumers look.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${STAGE} ${STAGE}.first)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${STAGE}.first --component dispar
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${STAGE}.first ${STAGE})
file(GLOB_RECURSE installed ${STAGE}/*.cmake ${STAGE}/*.pc)
foreach(file IN LISTS installed)
  file(READ ${file} text)
  string(FIND "${text}" "${BUILD}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${file} points into the build tree")
  endif()
endforeach()
