import { withDropInHint } from '../drop-in/hint.ts';
import { systemdBinfmt } from '../drop-in/systemd-binfmt.ts';
import { updateBinfmts } from '../drop-in/update-binfmts.ts';
import { printFailure } from '../failure.ts';
import { guardStreams } from '../output/streams.ts';

/** Runs a drop-in, with the command line, output and exit status of the original. */
export async function runDropIn(
  command: 'update-binfmts' | 'systemd-binfmt',
  words: readonly string[],
  version: string,
): Promise<number> {
  try {
    return await (command === 'systemd-binfmt' ? systemdBinfmt(words, version) : updateBinfmts(words));
  } catch (error) {
    guardStreams({ silent: command === 'update-binfmts' });
    printFailure(withDropInHint(error, []), { verbose: false, json: false });
    return command === 'systemd-binfmt' ? 1 : 2;
  }
}
