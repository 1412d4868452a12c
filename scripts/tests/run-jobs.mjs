// Runs test jobs side by side, each kernel job with a binfmt_misc instance and a TMPDIR of its own.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs all jobs and prints a line for each, with all output of those that fail. Returns whether all passed. */
export async function runJobs(root, jobs) {
  const waiting = [...jobs];
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const failed = [];
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { status, output, counts, seconds } = await runJob(root, job);
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
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  return failed.length === 0;
}

async function runJob(root, { project, files }) {
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-test-'));
  // apt reads as a user of its own.
  chmodSync(folder, 0o755);
  const report = join(folder, 'report.json');
  const command = [
    ...(project === 'kernel' ? [process.execPath, 'scripts/private-instance.mjs', '--'] : []),
    ...['node_modules/.bin/vitest', 'run', '--project', project, '--maxWorkers', '1'],
    ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', report, ...files],
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
  const counts = countsIn(report);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  // A job without tests proves nothing.
  const hasTests = counts.passed + counts.skipped > 0;
  return {
    status: hasTests ? status : 1,
    output,
    counts,
    seconds: Math.round((performance.now() - began) / 1000),
  };
}

function countsIn(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
