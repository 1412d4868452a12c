// Starts virtual machines with a kernel and an initramfs, and reads their console.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const EMULATORS = {
  amd64: ['qemu-system-x86_64', '-cpu', 'max', '-smp', '2'],
  arm64: ['qemu-system-aarch64', '-M', 'virt,gic-version=3', '-cpu', 'max,pauth-impdef=on', '-smp', '2'],
};
const SIGNALS = ['SIGINT', 'SIGTERM'];
const CONSOLES = { amd64: 'ttyS0', arm64: 'ttyAMA0' };

/** Starts a machine. `onLine` receives the lines of its console. `ended` settles when it is off, and rejects with an `Interrupted`
 * after SIGINT or SIGTERM. `qemu` may contain another -cpu, because the last one wins. */
export function startMachine({ arch, kernel, initrd, disk, memory = '3072', qemu = [], onLine }) {
  const [program, ...model] = EMULATORS[arch];
  const drive = ['-drive', `file=${disk},format=raw,if=virtio,cache=writeback`];
  // no_timer_check: on a busy machine, Linux 5.10 finds the emulated timer too slow and panics.
  // The next four save a third of the time, partly because code then has constant addresses, which helps emulation.
  const append = `no_timer_check norandmaps mitigations=off init_on_alloc=0 audit=0 console=${CONSOLES[arch]} quiet loglevel=1 panic=-1 systemd.show_status=false systemd.log_level=err`;
  const args = [
    ...model,
    ...qemu,
    ...['-m', memory, '-accel', 'tcg,thread=multi', '-nographic', '-no-reboot', '-nic', 'none'],
    ...(disk === undefined ? [] : drive),
    ...['-kernel', kernel, '-initrd', initrd, '-append', append],
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  let interruption;
  const interrupt = (signal) => {
    interruption = signal;
    kill();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  process.on('exit', kill);
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  const ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', () => {
      for (const signal of SIGNALS) process.removeListener(signal, interrupt);
      process.removeListener('exit', kill);
      onLine(rest);
      if (interruption === undefined) done();
      else fail(new Interrupted(interruption));
    });
  });
  return { kill, ended };
}

/** Ends a script after its cleanup. */
class Interrupted extends Error {
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.status = 128 + constants.signals[signal];
  }
}

/** Runs `action` and exits with the status that it returns, or with that of the signal that interrupted it. */
export async function exitWith(action) {
  try {
    process.exit(await action());
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error(error.message);
    process.exit(error.status);
  }
}
