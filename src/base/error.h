// How the program reports what a user can mend: a wrong spec, option, file or command.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace seqbench {

// Says what was given, what was expected and what to do. The command line prints it and exits with status 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
void fail_if(bool wrong, fmt::format_string<Args...> text, Args&&... args) {
  if (wrong) fail(text, std::forward<Args>(args)...);
}

}  // namespace seqbench
