import {
  type BootFacts,
  type BootFormat,
  decidePersistence,
  isFlushedBySystemd,
} from '../../boot/persistence.ts';
import { readBootFacts } from '../../boot/services.ts';
import type { Context } from '../../context.ts';
import type { InstallRequest } from '../types.ts';

export type { Persistence } from '../../boot/persistence.ts';

/**
 * The format that a service of this machine reads at boot. Warns if `auto` finds no such
 * service.
 *
 * @throws NO_TOOL if no service reads the requested format; USAGE in binfmtctl's container image.
 */
export function choosePersistence(
  request: Pick<InstallRequest, 'persist' | 'arches' | 'all' | 'emulator' | 'credentials'>,
  { report, inImage }: Pick<Context, 'report' | 'inImage'>,
  facts: BootFacts = readBootFacts({ inImage }),
): BootFormat | 'none' {
  const { how, warning } = decidePersistence(request.persist, facts, wordsOf(request));
  if (warning !== null) report({ kind: 'warning', text: warning });
  return how;
}

/** The command-line arguments that select what to register. */
function wordsOf({
  all,
  arches,
  emulator,
  credentials,
}: Pick<InstallRequest, 'all' | 'arches' | 'emulator' | 'credentials'>): string {
  return [
    ...(all ? ['--all'] : arches.map(({ id }) => id)),
    ...(emulator === undefined ? [] : ['--emulator', emulator]),
    ...(credentials === false ? [] : [credentials === 'new' ? '--credentials=new' : '--credentials']),
  ].join(' ');
}

/** Notes about events that remove entries that are not persistent. */
export function flushNotes(facts: BootFacts = readBootFacts()): readonly string[] {
  return isFlushedBySystemd(facts)
    ? ['a reboot or `systemctl restart systemd-binfmt` removes the entries; --persist keeps them']
    : [];
}
