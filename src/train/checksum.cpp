#include "train/checksum.h"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "base/error.h"
#include "base/sha256.h"
#include "train/tensor_header.h"

namespace seqbench {
namespace {

constexpr std::size_t kDigits = 64;
constexpr std::size_t kBlock = 1 << 20;  // bytes read at once

}  // namespace

std::string no_digest() { return std::string(kDigits, '0'); }

std::size_t digest_in(std::string_view header) {
  // Inside a text of the header, quotes would be escaped.
  const std::string key = fmt::format("\"{}\":\"", kChecksum);
  const std::size_t found = header.find(key);
  if (found == header.npos) return header.npos;
  const std::size_t digits = found + key.size();
  const bool whole = digits + kDigits < header.size() && header[digits + kDigits] == '"';
  return whole ? digits : header.npos;
}

bool verify_checksum(const std::filesystem::path& file) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  std::ifstream in(file, std::ios::binary);
  fail_if(failed || !in, "{}: could not be read.", file.string());
  std::uint64_t length = 0;
  in.read(reinterpret_cast<char*>(&length), sizeof length);
  fail_if(!in || length > std::min(size - sizeof length, kLongestHeader), "{}: not a safetensors file.",
          file.string());
  std::string block(length, ' ');
  in.read(block.data(), static_cast<std::streamsize>(length));
  fail_if(!in, "{}: could not be read to its end.", file.string());
  const std::size_t at = digest_in(block);
  if (at == block.npos) return false;
  const std::string expected = block.substr(at, kDigits);
  block.replace(at, kDigits, no_digest());
  Sha256 sum;
  sum.add({reinterpret_cast<const char*>(&length), sizeof length});
  do {
    sum.add(block);
    block.resize(kBlock);
    in.read(block.data(), kBlock);
    block.resize(static_cast<std::size_t>(in.gcount()));
  } while (!block.empty());
  fail_if(in.bad() || sum.digest() != expected,
          "{}: is damaged: what it holds does not match its checksum, the \"{}\" of its metadata.",
          file.string(), kChecksum);
  return true;
}

}  // namespace seqbench
