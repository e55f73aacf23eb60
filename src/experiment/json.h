// JSON files and values. Only src/experiment and src/report see JSON; this header costs nothing,
// <nlohmann/json.hpp> two seconds a file.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace seqbench {

// Keys keep the order they are written in: the axes of a grid and the hash of a spec depend on it.
using Json = nlohmann::ordered_json;

// Throws Error with `where`, line and column for text that is not JSON, and for a key given twice in one
// object (of which JSON readers silently keep one).
Json parse_json(std::string_view text, const std::string& where);

// parse_json() of a file. Throws Error for one that is missing, a folder, or not readable.
Json read_json(const std::filesystem::path& file);

// A value as a message shows it: scalars and short lists of them as written, "an object", "a list".
std::string shown(const Json& value);

}  // namespace seqbench
