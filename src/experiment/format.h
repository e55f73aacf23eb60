// Numbers as people read them.
#pragma once
#include <cstdint>
#include <string>

namespace seqbench {

// Three digits: "8", "1.23k", "45.6M", "789G"; "-" for a number that is not finite.
std::string short_number(double value);
// "960 B", "32.0 KiB", "1.50 GiB"
std::string short_bytes(std::int64_t bytes);
// "0.42 s", "12 s", "3 min 05 s", "2 h 05 min"
std::string short_duration(double seconds);
// Three decimals: "0.998"; "-" for a number that is not finite.
std::string share(double value);
// Characters of `text`, which is UTF-8: columns of a terminal, of most scripts.
std::size_t characters_of(const std::string& text);
// `text` cut to `width` characters, its end replaced by "..".
std::string cut(const std::string& text, std::size_t width);

}  // namespace seqbench
