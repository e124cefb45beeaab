#include "checkpoint.hpp"

#include <nlohmann/json.hpp>

#include "file_error.hpp"
#include "tensor_file.hpp"

namespace mmd_mp {
namespace {

using nlohmann::json;
constexpr const char* kind = "dispar mmd-mp checkpoint 1";

void insert(tensor_file& into, const std::string& prefix, const tensor_file& state) {
  for (const auto& [name, tensor] : state.tensors) into.tensors.emplace(prefix + name, tensor);
  for (const auto& [name, text] : state.metadata) into.metadata.emplace(prefix + name, text);
}

tensor_file extract(const tensor_file& from, const std::string& prefix) {
  tensor_file state{{}, {}, from.file};
  for (const auto& [name, tensor] : from.tensors)
    if (name.starts_with(prefix)) state.tensors.emplace(name.substr(prefix.size()), tensor);
  for (const auto& [name, text] : from.metadata)
    if (name.starts_with(prefix)) state.metadata.emplace(name.substr(prefix.size()), text);
  return state;
}

json described(const epoch_record& r) {
  return {r.epoch,          r.means.loss,          r.means.statistic, r.means.variance,          r.means.batches,
          r.validation.mmd, r.validation.variance, r.validation.mpp,  r.validation.mpp_variance, r.power,
          r.auroc};
}

epoch_record record_of(const json& j) {
  epoch_record r{
      .epoch = j.at(0), .means = {j.at(1), j.at(2), j.at(3), j.at(4)}, .validation = {j.at(5), j.at(6), j.at(7), j.at(8)}};
  r.power = j.at(9);
  r.auroc = j.at(10);
  return r;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& file, const checkpoint& c) {
  tensor_file out{{}, {}, file.string()};
  insert(out, "current.", c.state.current.state(true));
  insert(out, "best_power.", c.state.best[0]);
  insert(out, "best_auroc.", c.state.best[1]);
  json history = json::array();
  for (const epoch_record& r : c.state.history) history.push_back(described(r));
  out.metadata["kind"] = kind;
  out.metadata["about"] =
      json{{"encoder", c.encoder}, {"encoder_kind", c.encoder_kind}, {"words", c.words},  {"populations", c.populations},
           {"seed", c.seed},       {"threshold", c.threshold},       {"history", history}}
          .dump();
  out.tensors.emplace("reference",
                      stored_tensor{{c.reference.sentences, c.reference.tokens, c.reference.width}, c.reference.values});
  write_tensors(file, out);
}

checkpoint load_checkpoint(const std::filesystem::path& file, bool cuda) {
  const tensor_file in = read_tensors(file, origin::here);
  const auto found = in.metadata.find("kind");
  if (found == in.metadata.end() || found->second != kind) throw file_error(file.string() + ": no checkpoint of mmd-mp");
  checkpoint c{
      {detector::from_state(extract(in, "current."), cuda), {extract(in, "best_power."), extract(in, "best_auroc.")}, {}},
      {},
      {},
      0,
      {},
      0,
      0,
      {}};
  try {
    const json about = json::parse(in.meta("about"));
    c.encoder = about.at("encoder");
    c.encoder_kind = about.at("encoder_kind");
    c.words = about.at("words");
    c.populations = about.at("populations").get<std::vector<std::string>>();
    c.seed = about.at("seed");
    c.threshold = about.at("threshold");
    for (const json& r : about.at("history")) c.state.history.push_back(record_of(r));
  } catch (const json::exception& error) {
    throw file_error(file.string() + ": damaged: " + error.what());
  }
  const stored_tensor& reference = in.at("reference");
  if (reference.shape.size() != 3) throw file_error(file.string() + ": damaged: a reference that is no sentences");
  c.reference = {reference.shape[0], reference.shape[1], reference.shape[2], reference.values};
  return c;
}

}  // namespace mmd_mp
