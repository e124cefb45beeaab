// dispar_model_golden ROOT [--json FILE]: runs the golden fixtures of whole models below a folder: networks and training in
// LibTorch, losses of dispar.

#include "../program.hpp"

int main(int argc, char** argv) { return golden::run_program({.name = "dispar_model_golden", .layer = "model"}, argc, argv); }
