/** How long what was installed stays registered. */
import { decidePersistence, isFlushedBySystemd } from '../boot/persistence.ts';
import { readBootFacts } from '../boot/services.ts';
import type { Context } from '../context.ts';
import type { InstalledEmulator } from './installed-emulators.ts';

/**
 * `restart`: until the next reboot or restart of systemd-binfmt. `namespace`: as long as the user namespace. `unknown`: a warning or a note
 * says on what it depends.
 */
export type Duration = 'always' | 'reboot' | 'restart' | 'namespace' | 'unknown';

export interface InstalledDuration {
  readonly lasts: Duration;
  /** Whether `--persist` would make it last. */
  readonly canPersist: boolean;
}

/** How long entries last, and whether that can be changed; `isKnown` says whether they end with the machine at the latest. */
export function durationOf(
  emulators: readonly InstalledEmulator[],
  { scope, isKnown }: { readonly scope: string | null; readonly isKnown: boolean },
  { inImage }: Pick<Context, 'inImage'>,
): InstalledDuration {
  if (scope === 'namespace') return { lasts: 'namespace', canPersist: false };
  if (!isKnown) return { lasts: 'unknown', canPersist: false };
  if (emulators.every(({ persisted }) => persisted)) return { lasts: 'always', canPersist: false };
  const facts = readBootFacts({ inImage });
  const canPersist = inImage !== true && decidePersistence('auto', facts, '').how !== 'none';
  return { lasts: isFlushedBySystemd(facts) ? 'restart' : 'reboot', canPersist };
}
