// Text from files and folders.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"

namespace seqbench {

// The bytes of a file that is `expected` ("a text file"). Throws Error, naming `option`, when it cannot be
// read or is empty.
std::string read_file(const std::string& path, const std::string& option, const std::string& expected);

// The bytes of text files, joined in this order. A folder stands for all regular files in it and in its
// folders, in the order of their paths' bytes, but hidden ones. Throws Error, naming `option`, for a file
// that is missing, unreadable, empty (unless it is one of a folder) or, where asked for, not UTF-8, and for a
// folder without files.
//
// A text that stands in two options, whatever its files are called, is an error that names both: it would be
// trained on and tested on. So is a file that one option lists twice, by whatever path or link, and a copy of
// one that is listed by name: where the end is held out, that would be trained on too. Copies that lie in the
// folders of one option (licences, empty modules) are no error.
enum class Content { bytes, utf8 };
class TextReader {
 public:
  // May be called once for each option.
  std::string read(const Texts& paths, const std::string& option, Content content);

 private:
  struct Seen {
    std::string path, option;
    bool listed = false;  // by name; else it lies in a folder
  };
  void refuse_again(const Seen& file, const std::string& text);
  std::multimap<std::string, Seen> seen_;  // by SHA-256 of their text
};

// SHA-256 of all texts, one after the other, in lower-case hex.
std::string sha256(std::span<const std::string> texts);

}  // namespace seqbench
