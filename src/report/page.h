// A page to look at results: plots with the numbers behind them, and tables that sort.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "report/summary.h"

namespace seqbench {

// One HTML file that needs nothing else: styles, plots (SVG) and the script that sorts are in it. Light or
// dark as the reader's system is, and readable on paper.
std::string page(const std::vector<Summary>& summaries, const Texts& problems);

// Every plot as FOLDER/EXPERIMENT-NAME.svg; the folder is made. Throws Error when it cannot be written.
void write_plots(const std::vector<Summary>& summaries, const std::filesystem::path& folder);

}  // namespace seqbench
