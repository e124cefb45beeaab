// dispar_golden ROOT [--backend NAME] [--json FILE]: runs the golden fixtures below a folder through dispar's public functions.

#include "program.hpp"

int main(int argc, char** argv) { return golden::run_program({.name = "dispar_golden", .layer = "core"}, argc, argv); }
