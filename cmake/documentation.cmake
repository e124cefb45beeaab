# `cmake --build build/test --target docs`: the reference, in build/test/docs/html. Debian: doxygen.
# What is undocumented, and what a comment says wrongly, is an error with the version whose warnings are known.
find_package(Doxygen QUIET)
find_program(DISPAR_SED sed)
mark_as_advanced(DISPAR_SED)
if(DOXYGEN_FOUND AND DISPAR_SED)
  set(docs_warnings NO)
  if(DOXYGEN_VERSION MATCHES "^1\\.9\\.4")
    set(docs_warnings FAIL_ON_WARNINGS)
  endif()
  configure_file(docs/Doxyfile.in ${CMAKE_CURRENT_BINARY_DIR}/docs/Doxyfile @ONLY)
  add_custom_target(docs COMMAND Doxygen::doxygen ${CMAKE_CURRENT_BINARY_DIR}/docs/Doxyfile
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} VERBATIM)
  if(DISPAR_TESTS)
    dispar_register_test(dispar_docs_reference quick Doxygen::doxygen ${CMAKE_CURRENT_BINARY_DIR}/docs/Doxyfile)
  endif()
endif()
