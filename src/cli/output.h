// Standard output and error. A reader that has gone away is no error: "seqbench list | head -1" ends well.
#pragma once
#include <streambuf>
#include <string>

namespace seqbench {

// These return kDone's value, 0, for commands to end with. What would steer a terminal (control characters but
// newline and tab) is written as \xNN: specs and results may come from anyone.
int print_text(const std::string& text);
// For what comes bit by bit.
int print_at_once(const std::string& text);
int print_error(const std::string& text);
// As they are: what a model writes; a line that the program itself draws anew.
int print_bytes(const std::string& text);
int print_live(const std::string& text);

// What there is to say beside what goes to `file`: to standard error when that is standard output.
int print_beside(const std::string& file, const std::string& text);

// While it lives, what a library writes to std::cout goes the way of print_bytes().
class CoutAsText {
 public:
  CoutAsText();
  ~CoutAsText();
  CoutAsText(const CoutAsText&) = delete;
  CoutAsText& operator=(const CoutAsText&) = delete;

 private:
  struct Sink : std::streambuf {
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;
    int sync() override;
  };
  Sink sink_;
  std::streambuf* before_;
};

// False, after a message, when standard output could not be written (a full disk).
bool flush_output();

}  // namespace seqbench
