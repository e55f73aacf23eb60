#include "train/safetensors.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"

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

}  // namespace

void save_safetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const std::filesystem::path temporary = file.string() + ".part";
  {
    std::ofstream out(temporary, std::ios::binary);
    const std::string header = header_of(tensors, metadata);
    const std::uint64_t length = header.size();  // little-endian, as every processor this runs on
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const NamedTensor& tensor : tensors) {
      out.write(reinterpret_cast<const char*>(tensor.data), tensor.shape.size() * 4);
    }
    out.flush();
    fail_if(!out, "{}: could not be written; is the disk full?", temporary.string());
  }
  std::filesystem::rename(temporary, file);
}

std::map<std::string, std::string> load_safetensors(const std::filesystem::path& file,
                                                    const std::vector<NamedTensor>& tensors) {
  std::ifstream in(file, std::ios::binary);
  fail_if(!in, "{}: could not be read.", file.string());
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file));
  std::uint64_t length = 0;
  in.read(reinterpret_cast<char*>(&length), sizeof length);
  fail_if(!in || length > static_cast<std::uint64_t>(size), "{}: not a safetensors file.", file.string());
  std::string text(length, ' ');
  in.read(text.data(), static_cast<std::streamsize>(length));
  const Json header = Json::parse(text, nullptr, false);
  fail_if(!in || !header.is_object(), "{}: its header is no JSON object.", file.string());

  const auto first = static_cast<std::int64_t>(8 + length);
  for (const NamedTensor& tensor : tensors) {
    const auto entry = header.find(tensor.name);
    fail_if(entry == header.end(), "{}: holds no tensor \"{}\".", file.string(), tensor.name);
    fail_if((*entry)["dtype"] != "F32" || (*entry)["shape"] != shape_json(tensor.shape),
            "{}: tensor \"{}\" should be F32 of shape {}, and is {} of shape {}.", file.string(), tensor.name,
            to_text(tensor.shape), (*entry)["dtype"].dump(), (*entry)["shape"].dump());
    const std::int64_t bytes = tensor.shape.size() * 4;
    const std::int64_t at = first + (*entry)["data_offsets"][0].get<std::int64_t>();
    fail_if(at < first || at + bytes > size, "{}: is cut short.", file.string());
    in.seekg(at);
    in.read(reinterpret_cast<char*>(tensor.data), bytes);
    fail_if(!in, "{}: could not be read to its end.", file.string());
  }
  return header.value("__metadata__", std::map<std::string, std::string>{});
}

}  // namespace seqbench
