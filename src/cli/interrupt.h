#pragma once
#include <atomic>

namespace seqbench {

// From now on the first SIGINT or SIGTERM sets interrupt_flag(); a second one, half a second or more
// later, ends the program at once.
void catch_interrupts();

const std::atomic<bool>& interrupt_flag();

}  // namespace seqbench
