#include "train/safetensors.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "train/checksum.h"
#include "train/tensor_header.h"

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

// An open file whose header has been read and holds of it.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : name_(file.string()) {
    std::error_code failed;
    const auto status = std::filesystem::status(file, failed);
    fail_if(!std::filesystem::exists(status), "{}: could not be read: {}.", name_, failed.message());
    fail_if(!std::filesystem::is_regular_file(status), "{}: is {}; expected a safetensors file.", name_,
            std::filesystem::is_directory(status) ? "a folder" : "no regular file");
    in_.open(file, std::ios::binary);
    fail_if(!in_, "{}: could not be read: {}.", name_, std::strerror(errno));
    header_ = read_tensor_header(in_, static_cast<std::int64_t>(std::filesystem::file_size(file)), name_);
  }
  const TensorHeader& header() const { return header_; }

  // The shape of an F32 tensor.
  Shape shape_of(const std::string& tensor) const {
    const TensorEntry& entry = header_.tensors.at(tensor);
    fail_if(entry.dtype != "F32", "{}: tensor \"{}\" should be F32, and is {}.", name_, tensor, entry.dtype);
    fail_if(entry.shape.size() > 4, "{}: tensor \"{}\" should have up to four dimensions, and has {}.", name_,
            tensor, entry.shape.size());
    return Shape(std::span(entry.shape));
  }

  void read(const std::string& tensor, float* to) {
    const TensorEntry& entry = header_.tensors.at(tensor);
    in_.seekg(entry.begin);
    in_.read(reinterpret_cast<char*>(to), entry.end - entry.begin);
    fail_if(!in_, "{}: could not be read to its end.", name_);
  }

 private:
  std::string name_;
  std::ifstream in_;
  TensorHeader header_;
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
  TensorFile content{{}, reader.header().metadata};
  for (const auto& [name, entry] : reader.header().tensors) {
    const Shape shape = reader.shape_of(name);
    HostTensor& tensor = content.tensors[name];
    tensor = {shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    reader.read(name, tensor.values.data());
  }
  return content;
}

std::map<std::string, std::string> load_safetensors(const std::filesystem::path& file,
                                                    const std::vector<NamedTensor>& tensors) {
  Reader reader(file);
  for (const NamedTensor& tensor : tensors) {
    fail_if(!reader.header().tensors.contains(tensor.name), "{}: holds no tensor \"{}\".", file.string(),
            tensor.name);
    const Shape shape = reader.shape_of(tensor.name);
    fail_if(shape != tensor.shape, "{}: tensor \"{}\" should be of shape {}, and is of shape {}.",
            file.string(), tensor.name, to_text(tensor.shape), to_text(shape));
    reader.read(tensor.name, tensor.data);
  }
  return reader.header().metadata;
}

}  // namespace seqbench
