#include "base/options.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "base/error.h"
#include "base/shortened.h"

namespace seqbench {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

std::string in_range(const Range& range) {
  const bool low = std::isfinite(range.low);
  const bool high = std::isfinite(range.high);
  if (low && high) return fmt::format(" from {} to {}", range.low, range.high);
  if (low) return fmt::format(" of at least {}", range.low);
  if (high) return fmt::format(" of at most {}", range.high);
  return "";
}

bool inside(const Range& range, double value) { return value >= range.low && value <= range.high; }

bool allowed(const Option& option, const Value& value) {
  return std::visit(Overloaded{[](bool) { return true; },
                               [&](std::int64_t v) { return inside(option.range, static_cast<double>(v)); },
                               [&](double v) { return std::isfinite(v) && inside(option.range, v); },
                               [&](const std::string& v) {
                                 return option.choices.empty() ||
                                        std::ranges::find(option.choices, v) != option.choices.end();
                               },
                               [&](const Integers& v) {
                                 return std::ranges::all_of(v, [&](std::int64_t i) {
                                   return inside(option.range, static_cast<double>(i));
                                 });
                               },
                               [](const Texts&) { return true; }},
                    value);
}

// JSON has one kind of empty list and one kind of number; a declaration has more.
Value converted(const Option& option, const Value& given) {
  if (const auto* integer = std::get_if<std::int64_t>(&given);
      integer != nullptr && std::holds_alternative<double>(option.default_value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* list = std::get_if<Integers>(&given);
      list != nullptr && list->empty() && std::holds_alternative<Texts>(option.default_value)) {
    return Texts{};
  }
  return given;
}

std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// What other programs call it. Not all of a name's meanings are here in every section: nearest() looks further.
constexpr std::pair<std::string_view, std::string_view> kSynonyms[] = {
    {"learning_rate", "lr"},    {"batch_size", "batch"},     {"num_layers", "layers"},
    {"n_layers", "layers"},     {"n_layer", "layers"},       {"depth", "layers"},
    {"d_model", "width"},       {"hidden_size", "width"},    {"dim", "width"},
    {"n_embd", "width"},        {"num_heads", "heads"},      {"n_heads", "heads"},
    {"n_head", "heads"},        {"seq_len", "length"},       {"sequence_length", "length"},
    {"max_steps", "steps"},     {"num_steps", "steps"},      {"warmup_ratio", "warmup"},
    {"grad_clip", "clip"},      {"max_grad_norm", "clip"},   {"mechanism", "mixer"},
    {"n_kv_heads", "kv_heads"}, {"num_kv_heads", "kv_heads"}};

std::string given_text(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? to_text(value) : "\"" + *text + "\"";
}

}  // namespace

Option Option::flag(std::string name, bool value, std::string help) {
  return {std::move(name), value, std::move(help)};
}
Option Option::integer(std::string name, std::int64_t value, Range range, std::string help) {
  return {std::move(name), value, std::move(help), range};
}
Option Option::real(std::string name, double value, Range range, std::string help) {
  return {std::move(name), value, std::move(help), range};
}
Option Option::text(std::string name, std::string value, std::string help) {
  return {std::move(name), std::move(value), std::move(help)};
}
Option Option::choice(std::string name, std::string value, Texts choices, std::string help) {
  return {std::move(name), std::move(value), std::move(help), {}, std::move(choices)};
}
Option Option::integers(std::string name, Integers value, Range range, std::string help) {
  return {std::move(name), std::move(value), std::move(help), range};
}
Option Option::texts(std::string name, Texts value, std::string help) {
  return {std::move(name), std::move(value), std::move(help)};
}

std::string expected(const Option& option) {
  const std::string range = in_range(option.range);
  return std::visit(
      Overloaded{
          [](bool) -> std::string { return "true or false"; },
          [&](std::int64_t) { return "an integer" + range; }, [&](double) { return "a number" + range; },
          [&](const std::string&) -> std::string {
            if (option.choices.empty()) return "a text";
            return fmt::format("one of: {}", fmt::join(option.choices, ", "));
          },
          [&](const Integers&) { return "a list of integers" + (range.empty() ? "" : ", each" + range); },
          [](const Texts&) -> std::string { return "a list of texts"; }},
      option.default_value);
}

std::string to_text(const Value& value) {
  return std::visit(Overloaded{[](bool v) -> std::string { return v ? "true" : "false"; },
                               [](const Integers& v) { return fmt::format("[{}]", fmt::join(v, ", ")); },
                               [](const Texts& v) { return fmt::format("[{}]", fmt::join(v, ", ")); },
                               [](const auto& v) { return fmt::format("{}", v); }},
                    value);
}

std::string nearest(std::string_view name, const Texts& candidates) {
  for (const auto& [other, ours] : kSynonyms) {
    if (name == other && std::ranges::find(candidates, ours) != candidates.end()) return std::string(ours);
  }
  std::string best;
  std::size_t fewest = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edits(name, candidate);
    if (distance < fewest && distance < candidate.size()) {
      fewest = distance;
      best = candidate;
    }
  }
  return best;
}

std::string unknown_name(std::string_view what, std::string_view name, const std::string& path,
                         const Texts& known) {
  const std::string near = nearest(name, known);
  return fmt::format("{}: unknown {} \"{}\"{} Known: {}.", path, what, shortened(std::string(name)),
                     near.empty() ? "." : fmt::format("; did you mean \"{}\"?", near),
                     fmt::join(known, ", "));
}

Options::Options(const OptionList& declared, const std::map<std::string, Value>& given,
                 const std::string& path) {
  Texts names;
  for (const Option& option : declared) names.push_back(option.name);
  for (const auto& [name, value] : given) {
    const auto option = std::ranges::find(declared, name, &Option::name);
    fail_if(option == declared.end(), "{}", unknown_name("key", name, path, names));
    const Value taken = converted(*option, value);
    fail_if(taken.index() != option->default_value.index() || !allowed(*option, taken),
            "{}.{}: expected {}, got {}.", path, name, expected(*option), shortened(given_text(value)));
    values_[name] = taken;
  }
  for (const Option& option : declared) values_.emplace(option.name, option.default_value);
}

template <class T>
const T& Options::get(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || !std::holds_alternative<T>(found->second)) {
    throw std::logic_error(fmt::format("option \"{}\" was not declared with the type asked for", name));
  }
  return std::get<T>(found->second);
}

bool Options::flag(std::string_view name) const { return get<bool>(name); }
std::int64_t Options::integer(std::string_view name) const { return get<std::int64_t>(name); }
double Options::real(std::string_view name) const { return get<double>(name); }
const std::string& Options::text(std::string_view name) const { return get<std::string>(name); }
const Integers& Options::integers(std::string_view name) const { return get<Integers>(name); }
const Texts& Options::texts(std::string_view name) const { return get<Texts>(name); }

}  // namespace seqbench
