#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "report/figure_parts.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostLines = 12;  // what can be told apart
constexpr double kWide = 8;             // largest over smallest, from where on an axis is logarithmic

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// The values of a field of the summary; none when some is no number, or all are one.
std::set<double> numbers_of(const Summary& summary, std::size_t field) {
  std::set<double> values;
  for (const Group& group : summary.groups) {
    const auto value = number_of(group.labels[field]);
    if (!value) return {};
    values.insert(*value);
  }
  return values.size() < 2 ? std::set<double>{} : values;
}

// The summary with groups put together that differ in the field alone.
Summary across(const Summary& summary, std::size_t field) {
  Summary merged{.title = summary.title, .fields = summary.fields, .selection = summary.selection};
  const auto at = static_cast<std::ptrdiff_t>(field);
  merged.fields.erase(merged.fields.begin() + at);
  for (const Group& group : summary.groups) {
    Texts labels = group.labels;
    labels.erase(labels.begin() + at);
    auto found = std::ranges::find(merged.groups, labels, &Group::labels);
    if (found == merged.groups.end()) found = merged.groups.insert(found, Group{.labels = labels});
    found->ok.insert(found->ok.end(), group.ok.begin(), group.ok.end());
  }
  return merged;
}

}  // namespace

void add_axes(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  for (std::size_t f = 0; f < summary.fields.size(); ++f) {
    const std::set<double> values = numbers_of(summary, f);
    const Summary merged = across(summary, f);
    if (values.empty() || merged.groups.size() > kMostLines) continue;
    const std::string& path = summary.fields[f];
    Plot plot{.title = fmt::format("{} by {}", score.title(), path),
              .x_label = path,
              .y_label = score.label("test"),
              .log_x = *values.begin() > 0 && *values.rbegin() >= kWide * *values.begin()};
    add_chance(plot, summary, score);
    add_lines(figures, score.name() + "-by-" + path,
              "Mean over seeds, and from the lowest to the highest of them.", merged, plot,
              [&](const Group& group) {
                Columns columns;
                for (const Record* run : group.ok)
                  columns[number_of(run->field(path)).value()].push_back(score.of(run->stored->result.test));
                return columns;
              });
  }
}

}  // namespace seqbench
