// Typed options with a name, a default, a range and one line of help. Every part of a spec is declared with
// these, and parsing, `describe`, defaults, the schema and the hash of a run all come from that one
// declaration.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace seqbench {

using Integers = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;
using Value = std::variant<bool, std::int64_t, double, std::string, Integers, Texts>;

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

// The type of an option is the type its default holds. `range` bounds numbers and each element of a list of
// numbers; `choices`, where not empty, are the texts allowed.
struct Option {
  std::string name;
  Value default_value;
  std::string help;
  Range range = {};
  Texts choices = {};

  static Option flag(std::string name, bool value, std::string help);
  static Option integer(std::string name, std::int64_t value, Range range, std::string help);
  static Option real(std::string name, double value, Range range, std::string help);
  static Option text(std::string name, std::string value, std::string help);
  static Option choice(std::string name, std::string value, Texts choices, std::string help);
  static Option integers(std::string name, Integers value, Range range, std::string help);
  static Option texts(std::string name, Texts value, std::string help);
};

using OptionList = std::vector<Option>;

// "an integer from 1 to 1024", "one of: none, learned", "a list of integers, each at least 1".
std::string expected(const Option& option);

// One line: "8", "0.002", "true", "none", "[64, 128]".
std::string to_text(const Value& value);

// The candidate with the fewest edits to `name`, or "" when none is near enough to be a slip of the hand.
std::string nearest(std::string_view name, const Texts& candidates);

// "unknown <what> "x" at <path>; did you mean "y"? Known: a, b, c" (the question only when a name is near).
std::string unknown_name(std::string_view what, std::string_view name, const std::string& path,
                         const Texts& known);

// The values of one declared list of options, all present: given ones checked, the others at their defaults.
class Options {
 public:
  Options() = default;
  // Throws Error naming `path`.`key` for a key that is not declared, a value of another type (an integer
  // where a real is expected is taken), or one out of its range or choices.
  Options(const OptionList& declared, const std::map<std::string, Value>& given, const std::string& path);

  // Throw std::logic_error when no option of that name and type was declared.
  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  const Integers& integers(std::string_view name) const;
  const Texts& texts(std::string_view name) const;

  const std::map<std::string, Value, std::less<>>& all() const { return values_; }

 private:
  template <class T>
  const T& get(std::string_view name) const;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace seqbench
