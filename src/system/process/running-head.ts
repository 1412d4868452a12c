import { HEAD_SIZE } from '../../rule/check.ts';
import { tryReadHead } from '../file/head.ts';

/**
 * The first bytes of the file that the kernel runs as this process: Node, or the emulator that runs Node. Emulators do not
 * intercept this spelling of /proc/self/exe (see src/elf/probe.ts).
 */
export function runningHead(): Uint8Array {
  const head = tryReadHead('/proc/./thread-self/exe', HEAD_SIZE) ?? tryReadHead(process.execPath, HEAD_SIZE);
  return head ?? new Uint8Array();
}
