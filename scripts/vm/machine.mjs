// Virtual machines: started with a kernel and an archive, watched through their console.
import { spawn } from 'node:child_process';

const EMULATORS = {
  amd64: ['qemu-system-x86_64', '-cpu', 'max', '-smp', '2'],
  arm64: ['qemu-system-aarch64', '-M', 'virt,gic-version=3', '-cpu', 'max,pauth-impdef=on', '-smp', '2'],
};
const CONSOLES = { amd64: 'ttyS0', arm64: 'ttyAMA0' };

/** Starts a machine. `onLine` receives what its console shows; `ended` settles when it is off. The last -cpu wins, so
 * `qemu` may name another. */
export function startMachine({ arch, kernel, initrd, disk, memory = '3072', qemu = [], onLine }) {
  const [program, ...model] = EMULATORS[arch];
  const drive = ['-drive', `file=${disk},format=raw,if=virtio,cache=writeback`];
  // no_timer_check: on a busy machine Linux 5.10 finds the emulated timer too slow, and stops.
  const append = `no_timer_check console=${CONSOLES[arch]} quiet loglevel=1 panic=-1 systemd.show_status=false systemd.log_level=err`;
  const args = [
    ...model,
    ...qemu,
    ...['-m', memory, '-accel', 'tcg,thread=multi', '-nographic', '-no-reboot', '-nic', 'none'],
    ...(disk === undefined ? [] : drive),
    ...['-kernel', kernel, '-initrd', initrd, '-append', append],
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, kill);
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  const ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', () => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, kill);
      onLine(rest);
      done();
    });
  });
  return { kill, ended };
}
