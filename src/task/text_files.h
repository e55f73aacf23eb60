// Text from files and folders.
#pragma once
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
enum class Content { bytes, utf8 };
std::string read_texts(const Texts& paths, const std::string& option, Content content);

// SHA-256 of all texts, one after the other, in lower-case hex.
std::string sha256(std::span<const std::string> texts);

}  // namespace seqbench
