#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "report/plot.h"

namespace seqbench {
namespace {

// Told apart with any kind of colour vision (after Okabe and Ito 2008), on white and on near-black.
constexpr std::array<const char*, 10> kLight = {"#0072b2", "#c65300", "#00805d", "#b3508a", "#86690a",
                                                "#2f8fce", "#7040a8", "#94492a", "#5a5a5a", "#c2185b"};
constexpr std::array<const char*, 10> kDark = {"#4aa8e0", "#ff9550", "#2fcb9d", "#e79cc8", "#dcbf45",
                                               "#8fd0ff", "#ba92e6", "#d69a78", "#b4b4b4", "#ff7fb0"};

std::string colors(const std::array<const char*, 10>& palette, const std::string& text,
                   const std::string& soft, const std::string& grid) {
  std::string css = fmt::format("--plot-text:{};--plot-soft:{};--plot-grid:{};", text, soft, grid);
  for (std::size_t i = 0; i < palette.size(); ++i) css += fmt::format("--c{}:{};", i, palette[i]);
  return css;
}

std::string light() { return ".plot{" + colors(kLight, "#1f2328", "#5c646d", "#e4e7ea") + "}\n"; }

std::string shapes() {
  std::string css = R"(.plot { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 12px; }
.plot text:not(.cell) { fill: var(--plot-text); } .plot .title { font-size: 14px; font-weight: 600; }
.plot text.tick { fill: var(--plot-soft); font-size: 11px; } .plot .cell { font-size: 11px; }
.plot .grid { stroke: var(--plot-grid); } .plot .axis { stroke: var(--plot-soft); }
.plot .reference { stroke: var(--plot-soft); stroke-dasharray: 1 4; stroke-width: 1.5; }
.plot .front { fill: none; stroke: var(--plot-soft); stroke-dasharray: 5 4; }
.plot .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.plot .bar { fill: none; stroke: var(--c); stroke-width: 1.5; }
.plot .mark { fill: var(--c); } .plot .band { fill: var(--c); opacity: .16; } .plot .none { fill: var(--plot-grid); }
)";
  for (std::size_t i = 0; i < kLight.size(); ++i) css += fmt::format(".plot .c{0}{{--c:var(--c{0})}}\n", i);
  return css;
}

}  // namespace

std::string plot_style() {
  return light() + "@media (prefers-color-scheme: dark){.plot{" +
         colors(kDark, "#e4e7ea", "#9aa4ae", "#30363d") + "}}\n@media print{" + light() + "}\n" + shapes();
}

std::string svg_file(const std::string& element) {
  const std::string open = "<svg ";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
         "style=\"background:#fff\" " +
         element.substr(open.size(), element.find('>') - open.size() + 1) + "<style>" + light() + shapes() +
         "</style>" + element.substr(element.find('>') + 1) + "\n";
}

std::string svg_escape(const std::string& text) {
  std::string escaped;
  // The writer of JSON puts U+FFFD where a string is no UTF-8.
  const Json valid = Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
  for (const char c : valid.get<std::string>()) {
    const bool control = static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t';
    escaped += control    ? "\uFFFD"
               : c == '&' ? "&amp;"
               : c == '<' ? "&lt;"
               : c == '>' ? "&gt;"
               : c == '"' ? "&quot;"
                          : std::string(1, c);
  }
  return escaped;
}

}  // namespace seqbench
