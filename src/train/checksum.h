// The checksum that a safetensors file carries of itself, as the text "sha256" of its metadata: SHA-256 of
// all its bytes, with zeros for those 64 digits.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace seqbench {

inline constexpr const char* kChecksum = "sha256";

// What stands for the digits while they are computed.
std::string no_digest();
// Where the digits are in a header, or npos.
std::size_t digest_in(std::string_view header);

// False: the file carries none. Throws Error when it does not hold what it held when it was written.
bool verify_checksum(const std::filesystem::path& file);

}  // namespace seqbench
