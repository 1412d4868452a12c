import { isBootFile } from '../boot/paths.ts';
import { isBpf } from '../rule/types.ts';
import type { Step } from '../state/steps.ts';
import { flushNotes } from './boot/choose-persistence.ts';
import type { DesiredState } from './plan.ts';

// QEMU loads libraries from QEMU_LD_PREFIX and writes to QEMU_LOG_FILENAME (linux-user/main.c), also with the credentials of C.
const CREDENTIALS_NOTE =
  "flag C gives foreign set-user-ID programs their owner's rights, and users can gain these rights through QEMU's environment variables: use it only on machines whose users you trust";

/** What entries without flag C do not do. */
export const NO_CREDENTIALS_NOTE =
  "without flag C, foreign set-user-ID programs such as sudo do not get their owner's rights; `install --credentials` sets it";

/** Notes about the steps of an installation that need no action. */
export function installNotes(steps: readonly Step[], desired: readonly DesiredState[]): readonly string[] {
  const rules = steps.flatMap((step) => (step.kind === 'register' && !isBpf(step.rule) ? [step.rule] : []));
  const isLost = desired.some(
    ({ rule, files }) =>
      rules.some(({ name }) => name === rule.name) && !files.some(({ path }) => isBootFile(path)),
  );
  // A replacement keeps the flags of the old entry.
  const isNew = !steps.some(({ kind }) => kind === 'unregister');
  return [
    ...(rules.some(({ flags }) => flags.includes('C')) ? [CREDENTIALS_NOTE] : []),
    ...(isNew && rules.some(({ flags }) => !flags.includes('C')) ? [NO_CREDENTIALS_NOTE] : []),
    ...(isLost ? flushNotes() : []),
  ];
}
