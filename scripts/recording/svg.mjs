// Draws the frames of a recorded terminal as one animated SVG, by CSS: GitHub shows it in a README, without scripts.

const CELL = { width: 8.4, height: 18 };
const MARGIN = 14;
/** How long the last frame stays before the animation starts again, in ms. */
const LAST_MS = 5000;
/** Frames closer than this are shown as one, in ms. */
const SHORTEST_MS = 60;
const COLOURS = ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'];

/**
 * Returns an SVG document. Each frame has `at`, its time in ms, and `lines` of runs with `text`, `column` and `style`. Lines that are equal in
 * consecutive frames are drawn once, and shown from the first of these frames to the last.
 */
export function drawFrames(frames, columns) {
  const shown = frames.filter(({ at }, index) => (frames[index + 1]?.at ?? Infinity) - at >= SHORTEST_MS);
  const end = shown.at(-1).at + LAST_MS;
  const rows = Math.max(...shown.map(({ lines }) => lines.length));
  const spans = Array.from({ length: rows }, (_, row) => spansOf(shown, row, end)).flat();
  const width = columns * CELL.width + 2 * MARGIN;
  const height = rows * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>binfmtctl in a terminal</title>',
    `<style>${styles(spans, end)}</style>`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    ...spans.map((span) => drawLine(span)),
    '</svg>',
    '',
  ].join('\n');
}

/** The periods in which a row shows the same text. */
function spansOf(frames, row, end) {
  const spans = [];
  frames.forEach(({ at, lines }) => {
    const runs = lines[row] ?? [];
    const key = JSON.stringify(runs);
    const last = spans.at(-1);
    if (last?.key === key) return;
    if (last) last.to = at;
    spans.push({ row, runs, key, from: at, to: end });
  });
  return spans.filter(({ runs }) => runs.length > 0);
}

function styles(spans, end) {
  const percent = (ms) => `${((100 * ms) / end).toFixed(2)}%`;
  const periods = new Map(spans.map(({ from, to }) => [periodName({ from, to }), { from, to }]));
  const rules = [...periods].map(([name, { from, to }]) => {
    const before = from > 0 ? `0%{opacity:0}${percent(from)}{opacity:1}` : '0%{opacity:1}';
    const after = to < end ? `${percent(to)}{opacity:0}` : '';
    return `@keyframes ${name}{${before}${after}}.${name}{animation-name:${name}}`;
  });
  return [
    'text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;fill:#e6edf3;',
    `animation-duration:${end}ms;animation-timing-function:step-end;animation-iteration-count:infinite}`,
    ...COLOURS.map((colour, index) => `.c${index}{fill:${colour}}`),
    '.b{font-weight:bold}.d{opacity:.6}',
    ...rules,
  ].join('');
}

function drawLine({ row, runs, from, to }) {
  const y = MARGIN + row * CELL.height + 13;
  const text = runs.map((run) => {
    const [colour, bold, dim] = run.style.split(',').map(Number);
    const names = [colour >= 0 && `c${colour % 8}`, bold && 'b', dim && 'd'].filter(Boolean).join(' ');
    const x = (MARGIN + run.column * CELL.width).toFixed(1);
    return `<tspan x="${x}"${names ? ` class="${names}"` : ''} textLength="${(run.text.length * CELL.width).toFixed(1)}">${escaped(run.text)}</tspan>`;
  });
  return `<text y="${y}" class="${periodName({ from, to })}">${text.join('')}</text>`;
}

const periodName = ({ from, to }) => `t${from.toString(36)}-${to.toString(36)}`;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
