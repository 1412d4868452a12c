// Splits the tests into parallel jobs. A job is one vitest with some files of one project.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files per job. Fewer balance better, but every job starts vitest again. */
const FILES = { system: 1, unit: 60, integration: 6, kernel: 5 };

/** Returns the jobs of projects. The largest files, which take longest, come first. */
export function jobsOf(root, projects) {
  return projects.flatMap((project) => {
    const files = testFiles(root, project);
    const count = Math.ceil(files.length / FILES[project]);
    return Array.from({ length: count }, (_, job) => ({
      name: `${project} ${job + 1}/${count}`,
      project,
      files: files.filter((_, index) => index % count === job),
    }));
  });
}

function testFiles(root, project) {
  const folder = join(root, 'test', project);
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.test.ts'));
  const size = (name) => statSync(join(folder, name)).size;
  return names.sort((a, b) => size(b) - size(a)).map((name) => join('test', project, name));
}
