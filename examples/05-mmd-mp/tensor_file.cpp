#include "tensor_file.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

#include "bytes.hpp"
#include "dispar/core/half.hpp"
#include "file_error.hpp"

namespace mmd_mp {
namespace {

using nlohmann::json;
constexpr const char* checksum_key = "checksum";

std::string shown(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) text += (text.size() > 1 ? " x " : "") + std::to_string(extent);
  return text + "]";
}

/// Elements of a shape; throws where they are more than the file has bytes.
std::uint64_t elements(const std::vector<std::int64_t>& shape, std::uint64_t limit, const std::string& place) {
  std::uint64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > limit / static_cast<std::uint64_t>(extent)))
      throw file_error(place + ": a shape of " + shown(shape) + " does not fit into the file");
    count *= static_cast<std::uint64_t>(extent);
  }
  return count;
}

template<class T>
T read_as(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void read_one(tensor_file& out, const std::string& name, const json& entry, std::string_view data) {
  const std::string place = out.file + ": tensor '" + name + "'";
  const std::string type = entry.at("dtype").get<std::string>();
  const std::size_t size = type == "F32" ? 4 : type == "F16" ? 2 : 0;
  const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
  const auto begin = entry.at("data_offsets").at(0).get<std::uint64_t>(),
             end = entry.at("data_offsets").at(1).get<std::uint64_t>();
  if (begin > end || end > data.size())
    throw file_error(place + " ends at byte " + std::to_string(end) + " of " + std::to_string(data.size()) +
                     ": the file is truncated or damaged");
  if (size == 0) return;
  const std::uint64_t count = elements(shape, data.size(), place);
  if (count * size != end - begin)
    throw file_error(place + ": a shape of " + shown(shape) + " in " + std::to_string(end - begin) + " bytes of " + type);
  stored_tensor tensor{shape, std::vector<float>(count)};
  const char* const first = data.data() + begin;
  if (size == 4) {
    std::memcpy(tensor.values.data(), first, count * size);
  } else {
    for (std::size_t i = 0; i < count; ++i) tensor.values[i] = static_cast<float>(read_as<dispar::half>(first + 2 * i));
  }
  out.tensors.emplace(name, std::move(tensor));
}

}  // namespace

const stored_tensor& tensor_file::at(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw file_error(file + ": no tensor '" + name + "'");
  return found->second;
}

const stored_tensor& tensor_file::at(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const stored_tensor& tensor = at(name);
  if (tensor.shape != shape)
    throw file_error(file + ": tensor '" + name + "' has the shape " + shown(tensor.shape) + ", wanted is " + shown(shape));
  return tensor;
}

const std::string& tensor_file::meta(const std::string& name) const {
  const auto found = metadata.find(name);
  if (found == metadata.end())
    throw file_error(file + ": no entry '" + name + "' in its metadata; it was not written by this program");
  return found->second;
}

tensor_file parse_tensors(std::string_view bytes, const std::string& file, origin from) {
  if (bytes.size() < 8) throw file_error(file + ": " + std::to_string(bytes.size()) + " bytes are no safetensors file");
  const auto header_size = read_as<std::uint64_t>(bytes.data());
  if (header_size > bytes.size() - 8)
    throw file_error(file + ": a header of " + std::to_string(header_size) + " bytes in a file of " +
                     std::to_string(bytes.size()) + ": truncated, or no safetensors file");
  tensor_file out{{}, {}, file};
  const std::string_view data = bytes.substr(8 + header_size);
  try {
    const json header = json::parse(bytes.substr(8, header_size));
    if (header.contains("__metadata__")) out.metadata = header["__metadata__"].get<std::map<std::string, std::string>>();
    const auto sum = out.metadata.find(checksum_key);
    if (from == origin::here) {
      if (sum == out.metadata.end()) throw file_error(file + ": no checksum: not written by this program, or damaged");
      json described = header;  // what the header says counts too, but for the checksum itself
      described["__metadata__"][checksum_key] = "";
      if (hexadecimal(checksum(data, checksum(described.dump()))) != sum->second)
        throw file_error(file + ": the checksum does not match: the file is damaged");
    }
    for (const auto& [name, entry] : header.items())
      if (name != "__metadata__") read_one(out, name, entry, data);
  } catch (const json::exception& error) {
    throw file_error(file + ": damaged header: " + error.what());
  }
  return out;
}

tensor_file read_tensors(const std::filesystem::path& file, origin from) {
  return parse_tensors(read_bytes(file), file.string(), from);
}

std::string tensor_bytes(const tensor_file& tensors, precision stored) {
  const std::size_t size = stored == precision::single ? 4 : 2;
  json header;
  std::string data;
  for (const auto& [name, tensor] : tensors.tensors) {
    const std::size_t begin = data.size(), count = tensor.values.size();
    data.resize(begin + count * size);
    if (stored == precision::single) {
      std::memcpy(data.data() + begin, tensor.values.data(), count * size);
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        const dispar::half h(tensor.values[i]);
        std::memcpy(data.data() + begin + 2 * i, &h, 2);
      }
    }
    header[name] = {{"dtype", size == 4 ? "F32" : "F16"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  header["__metadata__"] = tensors.metadata;
  header["__metadata__"][checksum_key] = "";
  header["__metadata__"][checksum_key] = hexadecimal(checksum(data, checksum(header.dump())));
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t header_size = text.size();
  std::string bytes(reinterpret_cast<const char*>(&header_size), 8);
  return bytes.append(text).append(data);
}

void write_tensors(const std::filesystem::path& file, const tensor_file& tensors, precision stored) {
  write_bytes(file, tensor_bytes(tensors, stored));
}

}  // namespace mmd_mp
