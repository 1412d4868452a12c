import { join } from 'node:path';

/**
 * The folder of emulators, registrations and journal where none is named: that of the machine for root, else the user's own
 * as the XDG Base Directory Specification has it (a relative XDG_DATA_HOME does not count).
 */
export function defaultStore(environment: Readonly<Record<string, string | undefined>>, uid: number): string {
  if (uid === 0) return '/var/lib/binfmtctl';
  const data = environment['XDG_DATA_HOME'] ?? '';
  if (data.startsWith('/')) return join(data, 'binfmtctl');
  return join(environment['HOME'] || '/', '.local/share/binfmtctl');
}
