#include "report/page_parts.h"

namespace seqbench {

std::string page_style() {
  return R"(:root { color-scheme: light dark; --page: #fbfbfa; --card: #ffffff; --text: #1f2328; --soft: #5c646d;
  --rule: #dfe2e6; --accent: #0b62a8; --edge: #8a93a0; --under: var(--page); }
@media (prefers-color-scheme: dark) { :root { --page: #15181c; --card: #1c2025; --text: #e4e7ea; --soft: #9aa4ae;
  --rule: #363c43; --accent: #76b8f0; --edge: #7d8894; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
header, main { max-width: 84rem; margin: 0 auto; padding: 0 1.2rem; }
h1 { margin: 1.6rem 0 0; font-size: 1.6rem; }
header p { margin: .2rem 0 1rem; color: var(--soft); }
section { margin: 0 0 2.5rem; }
h2 { margin: 1.6rem 0 .6rem; padding-bottom: .3rem; border-bottom: 1px solid var(--rule); font-size: 1.25rem; }
h3 { margin: 1.4rem 0 .4rem; font-size: 1.05rem; }
.scroll { overflow-x: auto; background:
  linear-gradient(to right, var(--under) 40%, transparent) left / 3rem 100% no-repeat local,
  linear-gradient(to left, var(--under) 40%, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to right, var(--edge), transparent) left / 1.1rem 100% no-repeat scroll,
  linear-gradient(to left, var(--edge), transparent) right / 1.1rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .5rem; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; }
th { vertical-align: bottom; font-weight: 600; white-space: normal; }
.n { text-align: right; }
th button { all: unset; cursor: pointer; }
th button:hover, th button:focus-visible { color: var(--accent); text-decoration: underline; }
th[aria-sort="ascending"] button::after { content: " \2191"; }
th[aria-sort="descending"] button::after { content: " \2193"; }
tbody tr:hover { background: color-mix(in srgb, var(--accent) 8%, transparent); }
.notes { margin: .5rem 0; padding-left: 1.1rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 33rem), 1fr)); gap: 1rem;
  margin: 1.2rem 0; }
figure { --under: var(--card); min-width: 0; margin: 0; padding: .8rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
figure svg { display: block; width: 100%; min-width: 25rem; height: auto; }
figcaption { margin: .3rem 0; color: var(--soft); font-size: .82rem; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .87rem; }
details .scroll { max-height: 22rem; overflow: auto; margin-top: .4rem; }
@media print { :root { --page: #fff; --card: #fff; --text: #000; --soft: #444; --rule: #bbb; --accent: #000; }
  body { font-size: 9.5pt; } header, main { max-width: none; padding: 0; } table { font-size: 7.5pt; }
  th, td { padding: .15rem .35rem; } .scroll { overflow: visible; background: none; } figure, tr { break-inside: avoid; } figure svg { min-width: 0; }
  .figures { grid-template-columns: 1fr 1fr; } details:not([open]) { display: none; } }
)";
}

std::string page_script() {
  return R"(const units = {us: 1e-6, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3};
function value(cell) {
  const found = /^([-+]?[\d.]+(?:e[-+]?\d+)?) ?(KiB|MiB|GiB|us|[kMGTP])?/.exec(cell.textContent);
  return found ? Number(found[1]) * (units[found[2]] ?? 1) : NaN;
}
function compare(a, b) {
  const x = value(a), y = value(b);
  if (isNaN(x) || isNaN(y)) return isNaN(x) === isNaN(y) ? a.textContent.localeCompare(b.textContent) : isNaN(x) ? 1 : -1;
  return x - y;
}
for (const heading of document.querySelectorAll('table.sort th')) {
  heading.firstChild.addEventListener('click', () => {
    const down = heading.getAttribute('aria-sort') === 'ascending';
    for (const other of heading.parentNode.children) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const body = heading.closest('table').tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(a.cells[heading.cellIndex], b.cells[heading.cellIndex]));
    body.append(...(down ? rows.reverse() : rows));
  });
}
)";
}

}  // namespace seqbench
