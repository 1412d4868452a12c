// Records a session in a terminal and draws it as an animated SVG: docs/recording.svg.
//   node scripts/recording.mjs [-o FILE]
// The commands run for real, as root, on this machine: it must have no entries in binfmt_misc and no store. Both are left as found.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import terminal from '@xterm/headless';
import { debianRoot } from './debian-root.mjs';
import { drawFrames } from './recording/svg.mjs';

const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const INSTANCE = '/proc/sys/fs/binfmt_misc';
const STORE = '/var/lib/binfmtctl';
const COLUMNS = 80;
const ROWS = 24;
const PROMPT = '\u001b[1;32m#\u001b[0m ';
const TYPING_MS = 35;
const PAUSE_MS = 900;
/** A session: what is typed, in order. */
const COMMANDS = [
  'chroot ./debian-arm64 uname -m',
  'binfmtctl install arm64 riscv64',
  'chroot ./debian-arm64 uname -m',
  'binfmtctl status',
  'binfmtctl uninstall --all',
];

const { values } = parseArgs({
  options: { output: { type: 'string', short: 'o', default: join(CHECKOUT, 'docs/recording.svg') } },
});
if (process.getuid() !== 0) fail('this script requires root');
if (existsSync(STORE)) fail(`${STORE} exists: record on a machine without a store`);
const wasMounted = existsSync(join(INSTANCE, 'register'));
if (!wasMounted) execFileSync('mount', ['-t', 'binfmt_misc', 'none', INSTANCE]);
const directory = mkdtempSync(join(tmpdir(), 'recording-'));
try {
  if (readdirSync(INSTANCE).length > 2) fail(`${INSTANCE} has entries: record on a machine without any`);
  const frames = await record(await prepare());
  writeFileSync(values.output, drawFrames(frames, COLUMNS));
  console.log(`${values.output}: ${frames.length} frames`);
} finally {
  for (const path of [directory, STORE]) rmSync(path, { recursive: true, force: true });
  if (!wasMounted) execFileSync('umount', [INSTANCE]);
}

/** Returns the environment of the session: `binfmtctl` in PATH, and a foreign root in the working directory. */
async function prepare() {
  symlinkSync(await debianRoot('arm64', { unpacked: true }), join(directory, 'debian-arm64'));
  symlinkSync(join(CHECKOUT, 'dist/cli.cjs'), join(directory, 'binfmtctl'));
  const { CI, NO_COLOR, NODE_EXTRA_CA_CERTS, ...env } = process.env;
  const locale = { LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' };
  return { ...env, ...locale, PATH: `${directory}${delimiter}${env.PATH}` };
}

/** Returns the frames: the time in ms at which each appeared, and the lines of the screen then. */
async function record(env) {
  const screen = new terminal.Terminal({
    cols: COLUMNS,
    rows: ROWS,
    scrollback: 1000,
    allowProposedApi: true,
    convertEol: true,
  });
  const frames = [];
  let now = 0;
  const show = async (text) => {
    await new Promise((done) => screen.write(text, done));
    frames.push({ at: now, lines: linesOf(screen) });
  };
  await show(PROMPT);
  for (const command of COMMANDS) {
    now += PAUSE_MS;
    for (const letter of command) {
      await show(letter);
      now += TYPING_MS;
    }
    await show('\r\n');
    const start = Date.now();
    const typed = now;
    await inTerminal(command, env, async (text) => {
      now = typed + Date.now() - start;
      await show(text);
    });
    await show(PROMPT);
  }
  return frames;
}

/** Runs a command in a pseudo-terminal, by script(1), and hands on what it prints. */
async function inTerminal(command, env, print) {
  const words = [
    '--quiet',
    '--return',
    '--flush',
    '--command',
    `stty cols ${COLUMNS} rows ${ROWS}; ${command}`,
    '/dev/null',
  ];
  const child = spawn('script', words, { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) await print(chunk);
}

/** The cells of all lines up to the last that is not empty: runs of text with one style. */
function linesOf({ buffer: { active } }) {
  const lines = Array.from({ length: active.length }, (_, row) => runsOf(active.getLine(row)));
  return lines.slice(0, lines.findLastIndex((runs) => runs.length > 0) + 1);
}

function runsOf(line) {
  const runs = [];
  for (let column = 0; column < line.length; column++) {
    const cell = line.getCell(column);
    const style = `${cell.isFgPalette() ? cell.getFgColor() : -1},${cell.isBold() ? 1 : 0},${cell.isDim() ? 1 : 0}`;
    const text = cell.getChars() || ' ';
    const last = runs.at(-1);
    if (last?.style === style) last.text += text;
    else runs.push({ style, text, column });
  }
  return runs.map((run) => ({ ...run, text: run.text.trimEnd() })).filter(({ text }) => text !== '');
}

function fail(message) {
  console.error(`recording: ${message}`);
  process.exit(1);
}
