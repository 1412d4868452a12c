// Runs test jobs in parallel, each with a separate TMPDIR. Kernel and system tests use private binfmt_misc instances.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** Projects whose jobs run in a private binfmt_misc instance. */
export const PRIVATE = ['kernel', 'system'];

/** Number of slow test files to list. */
const SHOWN = Number(process.env.SLOW_TESTS ?? 10);

/** Runs all jobs, and prints a line for each, after its output if it fails. Returns whether all passed. */
export async function runJobs(root, jobs) {
  const waiting = [...jobs];
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const failed = [];
  const times = [];
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { status, output, counts, files, seconds } = await runJob(root, job);
      times.push(...files);
      for (const name of Object.keys(totals)) totals[name] += counts[name];
      const isGood = status === 0;
      if (!isGood) failed.push(job.name);
      if (!isGood) process.stdout.write(output);
      const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
      console.log(
        `${isGood ? 'ok    ' : 'FAILED'} ${job.name}: ${counts.passed} passed${skipped}, ${seconds} s`,
      );
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  const slowest = times.sort((a, b) => b.seconds - a.seconds).slice(0, SHOWN);
  console.log(
    `slowest: ${slowest.map(({ name, seconds }) => `${name} ${Math.round(seconds)} s`).join(', ')}`,
  );
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  return failed.length === 0;
}

async function runJob(root, { project, files: given }) {
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-test-'));
  // apt reads files as its own user.
  chmodSync(folder, 0o755);
  const report = join(folder, 'report.json');
  const command = [
    ...(PRIVATE.includes(project) ? [process.execPath, 'scripts/private-instance.mjs', '--'] : []),
    ...['node_modules/.bin/vitest', 'run', '--project', project, '--maxWorkers', '1'],
    ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', report, ...given],
  ];
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(command[0], command.slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  const status = await new Promise((resolve) => {
    child.once('close', resolve);
  });
  process.off('exit', kill);
  const { counts, files } = readReport(root, report);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  // A job without tests proves nothing.
  const hasTests = counts.passed + counts.skipped > 0;
  return {
    status: hasTests ? status : 1,
    output,
    counts,
    files,
    seconds: Math.round((performance.now() - began) / 1000),
  };
}

/** Returns the numbers of tests, and seconds per file. */
function readReport(root, report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    const files = testResults.map(({ name, startTime, endTime }) => ({
      name: relative(join(root, 'test'), name),
      seconds: (endTime - startTime) / 1000,
    }));
    return { counts: { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests }, files };
  } catch {
    return { counts: { passed: 0, failed: 0, skipped: 0 }, files: [] };
  }
}
