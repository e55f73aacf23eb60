#include "cli/app.h"

int main(int argc, char** argv) { return seqbench::run_app(argc, argv); }
