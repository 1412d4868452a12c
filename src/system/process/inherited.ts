/** Descriptors that this process inherited from its caller. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC of fcntl(2), in /proc/PID/fdinfo; the same value on all architectures that Node supports. */
const O_CLOEXEC = 0o2000000;
const DESCRIPTOR_WORD = /^(?:.*(?:\/fd\/|-fd=))?(\d+)$/;

/** Node marks descriptors up to this one close-on-exec in any case. */
const LAST_MARKED = 15;

/**
 * Closes the descriptors above 2 that child processes would inherit, except those that a word of the command line names:
 * `/dev/fd/63` or `--emulation-fd 63`.
 *
 * Node opens its own descriptors close-on-exec, and marks inherited ones too, but only up to the first gap above 15
 * (libuv, uv_disable_stdio_inheritance()).
 */
export function closeInherited(words: readonly string[] = []): void {
  const passedOn = new Set(words.flatMap((word) => DESCRIPTOR_WORD.exec(word)?.[1] ?? []));
  for (const name of descriptors()) {
    if (Number(name) > LAST_MARKED && !passedOn.has(name) && isInherited(name)) closeSync(Number(name));
  }
}

/** The open descriptors; empty without /proc, where they are unknown. */
function descriptors(): readonly string[] {
  try {
    return readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
}

function isInherited(descriptor: string): boolean {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const [, flags = ''] = /^flags:\s*([0-7]+)$/m.exec(text) ?? [];
    return flags !== '' && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // The descriptor that readdir(3) used, already closed.
    return false;
  }
}
