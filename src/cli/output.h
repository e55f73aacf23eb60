// Standard output and error. A reader that has gone away is no error: "seqbench list | head -1" ends well.
#pragma once
#include <string>

namespace seqbench {

// Both return kDone's value, 0, for commands to end with.
int print_text(const std::string& text);
int print_error(const std::string& text);

// Into a file. Throws Error when it cannot be written.
void write_text(const std::string& file, const std::string& text);

// False, after a message, when standard output could not be written (a full disk).
bool flush_output();

}  // namespace seqbench
