import { printFailure } from './failure.ts';

/** Carries out a command that stands in for another program: its command line, its output, its exit status. */
export async function runDropIn(
  command: 'update-binfmts' | 'systemd-binfmt',
  words: readonly string[],
  version: string,
): Promise<number> {
  try {
    if (command === 'systemd-binfmt') {
      const { systemdBinfmt } = await import('./commands/systemd-binfmt.ts');
      return await systemdBinfmt(words, version);
    }
    const { updateBinfmts } = await import('./commands/update-binfmts.ts');
    return await updateBinfmts(words);
  } catch (error) {
    printFailure(error, { verbose: false, json: false });
    return command === 'systemd-binfmt' ? 1 : 2;
  }
}
