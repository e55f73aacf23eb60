#pragma once

namespace seqbench {

constexpr int kDone = 0;
constexpr int kFailed = 1;         // a run failed, or another process is at work on it
constexpr int kBadUsage = 2;       // nothing ran and nothing was written
constexpr int kInterrupted = 130;  // state kept

// The whole program: parses the command line, runs the command, returns its exit status. Throws nothing.
int run_app(int argc, char** argv);

}  // namespace seqbench
