import { defineConfig } from 'vitest/config';

const project = (name: string, timeoutSeconds: number, serial: boolean) => ({
  test: {
    name,
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
      project('unit', 30, false),
      project('integration', 120, false),
      project('kernel', 300, true),
      project('system', 900, true),
      project('engine', 300, true),
      project('nightly', 1800, true),
    ],
  },
});
