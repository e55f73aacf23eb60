#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace seqbench {
namespace {

int failure = 0;  // errno of the first write to standard output that failed

void remember(bool failed) {
  if (failed && failure == 0) failure = errno;
}

// C1 controls, which some terminals heed, are two bytes in UTF-8: 0xC2 and 0x80 to 0x9F.
std::string harmless(const std::string& text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool steers = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F ||
                        (byte == 0xC2 && next >= 0x80 && next < 0xA0);
    shown += steers ? fmt::format("\\x{:02x}", byte == 0xC2 ? next : byte) : std::string(1, text[i]);
    i += steers && byte == 0xC2 ? 1 : 0;
  }
  return shown;
}

}  // namespace

int print_text(const std::string& text) { return print_bytes(harmless(text)); }

int print_error(const std::string& text) { return print_live(harmless(text)); }

int print_bytes(const std::string& text) {
  remember(std::fwrite(text.data(), 1, text.size(), stdout) < text.size());
  return 0;
}

int print_at_once(const std::string& text) {
  print_text(text);
  remember(std::fflush(stdout) != 0);
  return 0;
}

int print_live(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  return 0;
}

int print_beside(const std::string& file, const std::string& text) {
  return is_standard_output(file) ? print_error(text) : print_text(text);
}

CoutAsText::CoutAsText() : before_(std::cout.rdbuf(&sink_)) {}
CoutAsText::~CoutAsText() { std::cout.rdbuf(before_); }

std::streambuf::int_type CoutAsText::Sink::overflow(int_type c) {
  if (!traits_type::eq_int_type(c, traits_type::eof())) print_bytes({traits_type::to_char_type(c)});
  return traits_type::not_eof(c);
}

std::streamsize CoutAsText::Sink::xsputn(const char* text, std::streamsize size) {
  print_bytes({text, static_cast<std::size_t>(size)});
  return size;
}

int CoutAsText::Sink::sync() {
  remember(std::fflush(stdout) != 0);
  return 0;
}

bool flush_output() {
  remember(std::fflush(stdout) != 0);
  if (failure == 0 || failure == EPIPE) return true;
  print_error(std::string("seqbench: the output could not be written: ") + std::strerror(failure) + ".\n");
  return false;
}

}  // namespace seqbench
