#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace seqbench {
namespace {

int failure = 0;  // errno of the first write to standard output that failed

void remember(bool failed) {
  if (failed && failure == 0) failure = errno;
}

}  // namespace

int print_text(const std::string& text) {
  remember(std::fputs(text.c_str(), stdout) < 0);
  return 0;
}

int print_error(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  return 0;
}

void write_text(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.flush();
  fail_if(!out, "{}: cannot be written: {}.", file, std::strerror(errno));
}

bool flush_output() {
  remember(std::fflush(stdout) != 0);
  if (failure == 0 || failure == EPIPE) return true;
  print_error(std::string("seqbench: the output could not be written: ") + std::strerror(failure) + ".\n");
  return false;
}

}  // namespace seqbench
