#pragma once
#include <atomic>

namespace seqbench {

// From now on the first SIGINT, SIGTERM or SIGHUP sets interrupt_flag(); a second one, half a second or more
// later, ends the program at once. A SIGHUP that is ignored, as under nohup, stays so.
void catch_interrupts();

const std::atomic<bool>& interrupt_flag();

}  // namespace seqbench
