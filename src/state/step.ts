import { dirname } from 'node:path';
import type { CheckedInterpreters } from '../binfmt/checked-interpreters.ts';
import { disable, enable, register, unregister } from '../binfmt/register.ts';
import type { Context } from '../context.ts';
import { ensureDirectory, removeFile } from '../system/file/files.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import type { Step } from './steps.ts';

/** Applies one step that changes something. A rule with flag F is registered only for the file in `checked`. */
export async function applyStep(
  step: Step,
  { binfmtDirectory }: Pick<Context, 'binfmtDirectory'>,
  checked?: CheckedInterpreters,
): Promise<void> {
  switch (step.kind) {
    case 'register':
      return register(binfmtDirectory, step.rule, checked);
    case 'unregister':
      return unregister(binfmtDirectory, step.entry.name);
    case 'enable':
      return enable(binfmtDirectory, step.entry.name);
    case 'disable':
      return disable(binfmtDirectory, step.entry.name);
    case 'write':
      await ensureDirectory(dirname(step.path), 0o755);
      return writeAtomic(step.path, step.text);
    case 'delete':
      return removeFile(step.path);
    case 'prove':
      return;
  }
}
