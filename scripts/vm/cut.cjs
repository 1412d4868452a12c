// Runs in the guest: starts `binfmtctl ARGS...` and cuts the power as soon as a file appears.
//   node cut.cjs FILE ARGS...
const { spawn } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');

const [file, ...args] = process.argv.slice(2);
const child = spawn('binfmtctl', args, { stdio: 'inherit' });
// Polls without a pause: the file may exist for less than a millisecond.
for (let asked = 1; !existsSync(file); asked++) {
  const isGone = asked % 1000 === 0 && / Z /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  if (isGone) {
    console.log(`@@missed: the command ended before ${file} was there`);
    writeFileSync('/proc/sysrq-trigger', 'o');
  }
}
// The kernel starts anew at once: nothing is written back, and qemu ends.
writeFileSync('/proc/sysrq-trigger', 'b');
