#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bytes.hpp"
#include "corpus.hpp"
#include "corpus_builder.hpp"
#include "csv.hpp"
#include "file_error.hpp"
#include "sentences.hpp"

namespace mmd_mp {
namespace {

using nlohmann::json;

/// Texts that begin with the same words continue the same prompt.
constexpr std::size_t prompt_words = 15;
std::uint64_t prompt_of(const std::string& text) { return checksum(first_words(text, prompt_words)); }

void require_files(const std::filesystem::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::error_code ignored;
    if (!exists(folder / name, ignored))
      throw file_error((folder / name).string() + " is not there; get the data with: python3 examples/05-mmd-mp/get_data.py");
  }
}

std::vector<json> read_json_lines(const std::filesystem::path& file) {
  std::vector<json> rows;
  std::istringstream lines(read_bytes(file));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    try {
      rows.push_back(json::parse(line));
    } catch (const json::exception& error) {
      throw file_error(file.string() + ": line " + std::to_string(rows.size() + 1) + ": " + error.what());
    }
  }
  return rows;
}

}  // namespace

corpus load_generators(const std::filesystem::path& folder, const corpus_settings& settings) {
  require_files(folder, {"human.jsonl", "machine.jsonl"});
  std::map<std::int64_t, std::string> human;
  std::vector<std::string> order;
  corpus_builder builder(settings);
  try {
    for (const json& row : read_json_lines(folder / "human.jsonl"))
      human.emplace(row.at("id").get<std::int64_t>(), plain_typography(row.at("text").get<std::string>()));
    for (const json& row : read_json_lines(folder / "machine.jsonl")) {
      const auto model = row.at("model").get<std::string>();
      const std::string machine_text = plain_typography(row.at("text").get<std::string>());
      const std::string& human_text = human.at(row.at("human_id").get<std::int64_t>());
      const std::size_t prompt = shared_beginning(human_text, machine_text);
      if (std::find(order.begin(), order.end(), model) == order.end()) order.push_back(model);
      builder.add(model, true, inner_sentences(human_text, prompt), prompt_of(human_text));
      builder.add(model, false, inner_sentences(machine_text, prompt), prompt_of(human_text));
    }
  } catch (const json::exception& error) {
    throw file_error(folder.string() + ": a row without what is expected: " + error.what());
  } catch (const std::out_of_range&) {
    throw file_error((folder / "machine.jsonl").string() + ": a text whose human_id is not in human.jsonl");
  }
  return builder.finish(order);
}

corpus load_chatgpt_csv(const std::filesystem::path& folder, const corpus_settings& settings) {
  require_files(folder, {"TruthfulQA_chatgpt.csv", "SQuAD1_chatgpt.csv"});
  corpus_builder builder(settings);
  const csv_table truthful = read_csv(folder / "TruthfulQA_chatgpt.csv");
  for (const auto& row : truthful.rows) {
    const std::uint64_t prompt = prompt_of(row[truthful.column("Question")]);
    std::istringstream answers(plain_typography(row[truthful.column("Correct Answers")]));
    for (std::string answer; std::getline(answers, answer, ';');)
      builder.add("chatgpt-truthfulqa", true, split_sentences(answer), prompt);
    builder.add("chatgpt-truthfulqa", false, split_sentences(plain_typography(row[truthful.column("chatgpt_answer")])), prompt);
  }
  const csv_table squad = read_csv(folder / "SQuAD1_chatgpt.csv");
  for (const auto& row : squad.rows) {
    const std::uint64_t prompt = prompt_of(row[squad.column("context")]);
    builder.add("chatgpt-squad", true, split_sentences(plain_typography(row[squad.column("context")])), prompt);
    builder.add("chatgpt-squad", false, split_sentences(plain_typography(row[squad.column("chatgpt_answer")])), prompt);
  }
  return builder.finish({"chatgpt-truthfulqa", "chatgpt-squad"});
}

}  // namespace mmd_mp
