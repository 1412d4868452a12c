import { join } from 'node:path';

/**
 * Returns the default directory for emulators, registrations and journal: the machine's for root, else the user's according to
 * the XDG Base Directory Specification (which ignores a relative XDG_DATA_HOME).
 */
export function defaultStore(environment: Readonly<Record<string, string | undefined>>, uid: number): string {
  if (uid === 0) return '/var/lib/binfmtctl';
  const data = environment['XDG_DATA_HOME'] ?? '';
  if (data.startsWith('/')) return join(data, 'binfmtctl');
  return join(environment['HOME'] || '/', '.local/share/binfmtctl');
}
