import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where scripts/coverage.mjs has instrumented sources. */
const { COVERAGE } = process.env;
const SOURCES = resolve(import.meta.dirname, 'src');

const instrumented = {
  name: 'instrumented',
  enforce: 'pre' as const,
  load: (id: string) =>
    id.startsWith(SOURCES) && id.endsWith('.ts')
      ? readFileSync(`${COVERAGE}/src${id.slice(SOURCES.length)}`, 'utf8')
      : null,
};

const project = (name: string, timeoutSeconds: number, serial: boolean) => ({
  plugins: COVERAGE === undefined ? [] : [instrumented],
  test: {
    name,
    setupFiles: COVERAGE === undefined ? [] : [`${COVERAGE}/setup.mjs`],
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: timeoutSeconds * 1000,
    // An event is waited for as long as a test may take.
    expect: { poll: { timeout: timeoutSeconds * 1000 } },
    // One binfmt_misc instance is shared by all kernel and system tests, and by engine tests.
    fileParallelism: !serial,
    // Unit tests keep no state, so that their files share what they import.
    isolate: name !== 'unit',
  },
});

export default defineConfig({
  test: {
    projects: [
      // A limit against hanging tests alone: no test depends on the speed of the machine.
      project('unit', 300, false),
      project('integration', 120, false),
      project('kernel', 300, true),
      project('system', 900, true),
      project('engine', 300, true),
      project('nightly', 1800, true),
    ],
  },
});
