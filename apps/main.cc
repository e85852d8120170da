#include "cli/program.h"

int main(int argc, char** argv) { return millrace::cli::run_program({argv, static_cast<std::size_t>(argc)}); }
