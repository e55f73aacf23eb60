// What copy and selective_copy share: symbols somewhere in a sequence, a mark, and slots for the same symbols
// in order.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "task/generated.h"

namespace seqbench {

// Where the symbols of one example stand: increasing places below `room`, drawn from nothing but `random`.
using DrawPlaces = std::vector<std::int64_t> (*)(Random& random, std::int64_t symbols, std::int64_t room);

// The sequence: `symbols` tokens below vocab_size - 2 at places among blanks; the mark; symbols - 1 more
// blanks. The answers stand at the mark and those blanks. `name` is the task's, in messages and streams.
std::unique_ptr<Task> copying_task(const char* name, const Options& options, std::uint64_t seed,
                                   DrawPlaces places);

// vocab_size, symbols, length (default `length`) and train_examples.
OptionList copying_options(std::int64_t length);

}  // namespace seqbench
