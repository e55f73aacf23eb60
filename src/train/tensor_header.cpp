#include "train/tensor_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/shortened.h"
#include "task/characters.h"

namespace seqbench {
namespace {

using UnorderedJson = nlohmann::json;

// What the format's own readers take.
// Messages and models name tensors; the longest name of ours has 40 bytes.
constexpr std::size_t kLongestName = 4096;

std::string header_text(std::istream& in, std::int64_t size, const std::string& file) {
  std::uint64_t length = 0;  // little-endian, as every processor this runs on
  in.read(reinterpret_cast<char*>(&length), sizeof length);
  const auto rest = static_cast<std::uint64_t>(size) - sizeof length;
  fail_if(!in || length > rest,
          "{}: not a safetensors file, or not all of one: its first 8 bytes should be the length of a header, and "
          "the file has {} bytes.",
          file, size);
  fail_if(length > kLongestHeader, "{}: its header has {} bytes; expected at most {}.", file, length,
          kLongestHeader);
  std::string text(length, ' ');
  fail_if(!in.read(text.data(), static_cast<std::streamsize>(length)), "{}: could not be read.", file);
  return text;
}

bool is_size(const UnorderedJson& json) {
  return json.is_number_unsigned() && json.get<std::uint64_t>() < std::uint64_t{1} << 62;
}

bool are_sizes(const UnorderedJson& json) { return json.is_array() && std::ranges::all_of(json, is_size); }

// -1 where 64 bits cannot count them.
std::int64_t bytes_of_f32(const std::vector<std::int64_t>& shape) {
  std::int64_t bytes = 4;
  for (const std::int64_t dim : shape) {
    if (__builtin_mul_overflow(bytes, dim, &bytes)) return -1;
  }
  return bytes;
}

class Entries {
 public:
  Entries(const std::string& file, std::int64_t first, std::int64_t size)
      : file_(file), first_(first), size_(size) {}

  TensorEntry entry_of(const std::string& name, const UnorderedJson& json) const {
    fail_if(name.size() > kLongestName, "{}: the name of a tensor has {} bytes; expected at most {}.", file_,
            name.size(), kLongestName);
    const auto part = [&](const char* key) { return json.is_object() ? json.value(key, UnorderedJson()) : json; };
    const UnorderedJson dtype = part("dtype"), shape = part("shape"), offsets = part("data_offsets");
    if (!dtype.is_string()) refuse(name, "its dtype should be a text", dtype);
    if (!are_sizes(shape)) refuse(name, "its shape should be a list of sizes", shape);
    if (!are_sizes(offsets) || offsets.size() != 2 || offsets[0] > offsets[1])
      refuse(name, "its data_offsets should be where its bytes begin and end", offsets);
    TensorEntry entry{.dtype = dtype, .shape = shape, .begin = first_ + offsets[0].get<std::int64_t>(),
                      .end = first_ + offsets[1].get<std::int64_t>()};
    fail_if(entry.end > size_, "{}: is cut short: tensor \"{}\" ends at byte {} of {}.", file_, shown_name(name),
            entry.end, size_);
    if (entry.dtype == "F32" && bytes_of_f32(entry.shape) != entry.end - entry.begin)
      refuse(name, fmt::format("shape {} of F32 does not take the bytes of its data_offsets", shortened(shape.dump())),
             offsets);
    return entry;
  }

  void refuse_shared_bytes(const std::map<std::string, TensorEntry>& tensors) const {
    std::vector<const std::pair<const std::string, TensorEntry>*> by_place;
    for (const auto& tensor : tensors) by_place.push_back(&tensor);
    std::ranges::sort(by_place, {}, [](const auto* tensor) { return tensor->second.begin; });
    for (std::size_t i = 1; i < by_place.size(); ++i) {
      const auto& [before, after] = std::pair(by_place[i - 1], by_place[i]);
      fail_if(before->second.end > after->second.begin, "{}: tensors \"{}\" and \"{}\" share bytes.", file_,
              shown_name(before->first), shown_name(after->first));
    }
  }

 private:
  static std::string shown_name(const std::string& name) { return shortened(printable(name)); }
  [[noreturn]] void refuse(const std::string& name, const std::string& wrong, const UnorderedJson& given) const {
    fail("{}: tensor \"{}\": {}, and is {}.", file_, shown_name(name), wrong, shortened(given.dump()));
  }

  const std::string& file_;
  std::int64_t first_, size_;
};

}  // namespace

TensorHeader read_tensor_header(std::istream& in, std::int64_t size, const std::string& file) {
  const std::string text = header_text(in, size, file);
  const UnorderedJson json = parse_unordered_json(text, file + ": header");
  fail_if(!json.is_object(), "{}: its header is no JSON object.", file);
  const Entries entries(file, static_cast<std::int64_t>(sizeof(std::uint64_t) + text.size()), size);
  TensorHeader header;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") {
      header.tensors.emplace(name, entries.entry_of(name, value));
      continue;
    }
    const bool texts =
        value.is_object() && std::ranges::all_of(value, [](const auto& entry) { return entry.is_string(); });
    fail_if(!texts, "{}: its __metadata__ should hold texts by name.", file);
    header.metadata = value.get<std::map<std::string, std::string>>();
  }
  entries.refuse_shared_bytes(header.tensors);
  return header;
}

}  // namespace seqbench
