// Bar charts of the bench's results as SVG, readable on light and on dark backgrounds.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TITLES = {
  ratios: 'Ratio to the other program: lower is better, the mark is the goal',
  scale: 'Seconds of processor time with 5,000 entries: lower is better, the mark is the goal',
};
const WIDTH = 860;
const LABELS = 430;
const BARS = 350;
const ROW = 26;
const TOP = 44;

/** Writes one file for each chart, from the results that have a goal. */
export function writeCharts(results, directory) {
  mkdirSync(directory, { recursive: true });
  const withGoal = results.filter(({ goal }) => goal !== null);
  for (const [name, title] of Object.entries(TITLES)) {
    const shown = withGoal.filter(({ chart = 'ratios' }) => chart === name);
    if (shown.length > 0) writeFileSync(join(directory, `${name}.svg`), chartOf(shown, title));
  }
}

/** One row for each result: its label, a bar, a mark at the goal, and the figure. */
export function chartOf(results, title) {
  const longest = Math.max(...results.flatMap(({ ratio, goal }) => [ratio, goal]));
  const height = TOP + ROW * results.length + 12;
  const rows = results.map((result, index) => rowOf(result, TOP + ROW * index, BARS / longest));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.met { fill: #2f81f7 } .missed { fill: #d4730b } .goal { stroke: #1f2328; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .goal { stroke: #e6edf3 } }
</style>
<text class="title" x="8" y="22">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}

function rowOf({ what, ratio, goal }, y, scale) {
  const end = LABELS + ratio * scale;
  const mark = LABELS + goal * scale;
  return [
    `<text x="${LABELS - 8}" y="${y + 14}" text-anchor="end">${escaped(what.replaceAll('`', ''))}</text>`,
    `<rect class="${ratio <= goal ? 'met' : 'missed'}" x="${LABELS}" y="${y + 2}" width="${round(end - LABELS)}" height="16" rx="2"/>`,
    `<line class="goal" x1="${round(mark)}" x2="${round(mark)}" y1="${y - 1}" y2="${y + 21}"/>`,
    `<text x="${round(Math.max(end, mark) + 8)}" y="${y + 14}">${ratio.toFixed(2)}</text>`,
  ].join('\n');
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
