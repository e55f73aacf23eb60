#include "train/safetensors.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "train/checksum.h"

namespace seqbench {
namespace {

using Json = nlohmann::json;

Json shape_json(const Shape& shape) {
  Json dims = Json::array();
  for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape[i]);
  return dims;
}

std::string header_of(const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t at = 0;
  for (const NamedTensor& tensor : tensors) {
    const std::int64_t end = at + tensor.shape.size() * 4;
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", shape_json(tensor.shape)}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // numbers begin at a multiple of 8
  return text;
}

// The bytes of a file, in their order.
template <class F>
void for_each_part(const std::string& header, const std::vector<NamedTensor>& tensors, const F& f) {
  const auto bytes = [](const auto* first, std::int64_t size) {
    return std::string_view(reinterpret_cast<const char*>(first), static_cast<std::size_t>(size));
  };
  const std::uint64_t length = header.size();  // little-endian, as every processor this runs on
  f(bytes(&length, sizeof length));
  f(header);
  for (const NamedTensor& tensor : tensors) f(bytes(tensor.data, tensor.shape.size() * 4));
}

// An open file whose header has been read and found to be one.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : name_(file.string()), in_(file, std::ios::binary) {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(file, failed);
    fail_if(!in_ || failed, "{}: could not be read.", name_);
    size_ = static_cast<std::int64_t>(size);
    std::uint64_t length = 0;
    in_.read(reinterpret_cast<char*>(&length), sizeof length);
    fail_if(!in_ || length > size, "{}: not a safetensors file.", name_);
    std::string text(length, ' ');
    in_.read(text.data(), static_cast<std::streamsize>(length));
    header_ = Json::parse(text, nullptr, false);
    fail_if(!in_ || !header_.is_object(), "{}: its header is no JSON object.", name_);
    first_ = static_cast<std::int64_t>(sizeof length + length);
  }
  const Json& header() const { return header_; }

  std::map<std::string, std::string> metadata() const {
    const auto found = header_.find("__metadata__");
    if (found == header_.end()) return {};
    try {
      return found->get<std::map<std::string, std::string>>();
    } catch (const Json::exception&) {
      fail("{}: its __metadata__ should hold texts by name.", name_);
    }
  }

  // The shape of an F32 tensor.
  Shape shape_of(const std::string& tensor) const {
    const Json& entry = header_.at(tensor);
    fail_if(!entry.is_object() || entry.value("dtype", Json()) != "F32",
            "{}: tensor \"{}\" should be F32, and is {}.", name_, tensor,
            entry.is_object() ? entry.value("dtype", Json()).dump() : entry.dump());
    const Json dims = entry.value("shape", Json());
    fail_if(!dims.is_array() || dims.size() > 4 ||
                !std::ranges::all_of(dims, [](const Json& dim) { return dim.is_number_unsigned(); }),
            "{}: tensor \"{}\" should have up to four dimensions, and has shape {}.", name_, tensor,
            dims.dump());
    return Shape(std::span<const std::int64_t>(dims.get<std::vector<std::int64_t>>()));
  }

  void read(const std::string& tensor, const Shape& shape, float* to) {
    const Json offsets = header_.at(tensor).value("data_offsets", Json());
    const bool given = offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned();
    fail_if(!given, "{}: tensor \"{}\" has no data_offsets.", name_, tensor);
    const std::int64_t bytes = shape.size() * 4;
    const auto offset = offsets[0].get<std::int64_t>();
    fail_if(offset < 0 || offset > size_ - first_ - bytes, "{}: is cut short.", name_);
    in_.seekg(first_ + offset);
    in_.read(reinterpret_cast<char*>(to), bytes);
    fail_if(!in_, "{}: could not be read to its end.", name_);
  }

 private:
  std::string name_;
  std::ifstream in_;
  std::int64_t size_ = 0;
  std::int64_t first_ = 0;
  Json header_;
};

}  // namespace

void save_safetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                      std::map<std::string, std::string> metadata, const Keeping& keeping) {
  if (keeping.checksum) metadata[kChecksum] = no_digest();
  std::string header = header_of(tensors, metadata);
  if (keeping.checksum) {
    Sha256 sum;
    for_each_part(header, tensors, [&](std::string_view part) { sum.add(part); });
    header.replace(digest_in(header), no_digest().size(), sum.digest());
  }
  FileWriter out(file);
  for_each_part(header, tensors, [&](std::string_view part) { out.write(part); });
  out.finish(keeping.before);
}

void save_safetensors(const std::filesystem::path& file, const TensorFile& content, const Keeping& keeping) {
  std::vector<HostTensor> values;  // writing takes pointers that could also be read into
  std::vector<NamedTensor> tensors;
  values.reserve(content.tensors.size());
  for (const auto& [name, tensor] : content.tensors) {
    values.push_back(tensor);
    tensors.push_back({name, tensor.shape, values.back().values.data()});
  }
  save_safetensors(file, tensors, content.metadata, keeping);
}

TensorFile read_safetensors(const std::filesystem::path& file) {
  Reader reader(file);
  TensorFile content{{}, reader.metadata()};
  for (const auto& [name, entry] : reader.header().items()) {
    if (name == "__metadata__") continue;
    const Shape shape = reader.shape_of(name);
    HostTensor& tensor = content.tensors[name];
    tensor = {shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    reader.read(name, shape, tensor.values.data());
  }
  return content;
}

std::map<std::string, std::string> load_safetensors(const std::filesystem::path& file,
                                                    const std::vector<NamedTensor>& tensors) {
  Reader reader(file);
  for (const NamedTensor& tensor : tensors) {
    fail_if(!reader.header().contains(tensor.name), "{}: holds no tensor \"{}\".", file.string(),
            tensor.name);
    const Shape shape = reader.shape_of(tensor.name);
    fail_if(shape != tensor.shape, "{}: tensor \"{}\" should be of shape {}, and is of shape {}.",
            file.string(), tensor.name, to_text(tensor.shape), to_text(shape));
    reader.read(tensor.name, shape, tensor.data);
  }
  return reader.metadata();
}

}  // namespace seqbench
