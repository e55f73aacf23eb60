// JSON files and values: the one way that JSON of others is read. This header costs nothing, <nlohmann/json.hpp>
// two seconds a file.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace seqbench {

// Keys keep the order they are written in: the axes of a grid and the hash of a spec depend on it.
using Json = nlohmann::ordered_json;

// Throws Error with `where`, line and column for text that is not JSON, for a key given twice in one object (of
// which JSON readers silently keep one), for values nested deeper than 64 levels, and for an object of more than
// 10,000 keys, which take a time that grows with their square.
Json parse_json(std::string_view text, const std::string& where);

// The same for an object of any number of keys, whose order is lost.
nlohmann::json parse_unordered_json(std::string_view text, const std::string& where);

// parse_json() of a file, which may be a pipe where `pipes` is true. Throws Error for one that is missing, a
// folder, not readable, or above 100 MB.
Json read_json(const std::filesystem::path& file, bool pipes = false);

// A value as a message shows it: scalars and short lists of them as written, "an object", "a list".
std::string shown(const Json& value);

}  // namespace seqbench
