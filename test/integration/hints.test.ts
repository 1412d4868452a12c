import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * All lines of the source without its comments. Hints are string literals, but they reach an error or a warning in many
 * ways: through tables, parameters and helpers.
 */
function linesOfSource(): readonly string[] {
  const folder = resolve('src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
}

/**
 * What must not be said to a reader who may be root: the path may be one of the system or of another program, and a file
 * that is no program does not become one by its mode.
 */
const HARMFUL = [
  /\\`[^`]*\b(?:chmod|chown|rm|unlink|dd|mkfs)\b/,
  /\b(?:chmod|chown) [^\s,=}]/,
  /'(?:chmod|chown|rm)'/,
  /\bmake it executable\b/,
  /\b(?:remove|delete) (?:it|them|this|the (?:link|file|loop|directory|folder)s?)\b/,
];

/** Programs that binfmtctl itself runs in its store, and what it says of its own entries. */
const ALLOWED = [
  "rootfs/cache.ts: const { exitCode, stderr } = await runMapped(maps, 'rm',",
  "rootfs/unpack-tree.ts: const rm = commandLine(confinedTool('rm', 'coreutils'));",
  "cli/commands/store.ts: ['binfmtctl store prune', 'remove it'],",
];

describe('every line of the source', () => {
  const lines = linesOfSource();

  it('is read', () => {
    expect(lines.length).toBeGreaterThan(10_000);
  });

  it('tells nobody to remove a file or to change its owner or mode', () => {
    const harmful = lines
      .filter((line) => HARMFUL.some((pattern) => pattern.test(line)))
      .filter((line) => !ALLOWED.some((start) => line.startsWith(start)));
    expect(harmful).toEqual([]);
  });
});
