/** `binfmtctl binfmt`: flags and output of the program in the image docker.io/tonistiigi/binfmt; see docs/binfmt.md. */

import { ensureMounted } from '../../binfmt/instance/instance.ts';
import { isBinfmtctlError } from '../../errors.ts';
import { checkLifetime } from '../../install/lifetime.ts';
import { isOurImage } from '../../system/host.ts';
import { readPlatforms } from '../../verify/platforms.ts';
import { lineOf } from '../binfmt/failure.ts';
import { type BinfmtRequest, parseBinfmtFlags, USAGE } from '../binfmt/flags.ts';
import { installAll } from '../binfmt/install.ts';
import { log, warn } from '../binfmt/log.ts';
import { removeAll } from '../binfmt/uninstall.ts';
import { exitStatusOf, printFailure } from '../failure.ts';
import { withOperation } from '../operation.ts';
import { requireText } from '../words.ts';

const ALSO = `
Besides, the commands of binfmtctl: install, uninstall, status, verify … (IMAGE help)
`;

/**
 * Runs a command line and returns its exit status: 0, 1 if something failed, 2 and 3 as other commands. After a failure the
 * last line of standard error says what failed: docker/setup-qemu-action and other wrappers show that line alone.
 */
export async function runBinfmtDropIn(words: readonly string[], version: string): Promise<number> {
  try {
    return await binfmt(words, version);
  } catch (error) {
    if (isBinfmtctlError(error)) log(`error: ${lineOf(error)}`);
    else printFailure(error, { verbose: false, json: false });
    return exitStatusOf(error);
  }
}

async function binfmt(words: readonly string[], version: string): Promise<number> {
  requireText(words);
  const request = parseBinfmtFlags(words);
  if ('complaint' in request) {
    process.stderr.write(`${USAGE}\n`);
    log(request.complaint);
    return 2;
  }
  if (request.action === 'help') process.stderr.write(isOurImage() ? `${USAGE}${ALSO}` : USAGE);
  if (request.action === 'version') log(`binfmt/binfmtctl-${version} node/${process.versions.node}`);
  return request.action === 'change' ? change(request) : 0;
}

async function change({ mount, uninstall, install, credentials }: BinfmtRequest): Promise<number> {
  return withOperation({ binfmtDir: mount, catalogue: [], quiet: true }, async (context) => {
    const instance = await ensureMounted(mount);
    const lifetimeNotes =
      install.length > 0 ? await checkLifetime(instance, { ...context, report: warn }) : () => [];
    const left = await removeAll(uninstall, context);
    const { notes, failures } = await installAll(install, { credentials }, context);
    for (const note of new Set([...notes, ...lifetimeNotes(false)])) log(`note: ${note}`);
    process.stdout.write(`${JSON.stringify(await readPlatforms(context), null, 2)}\n`);
    const all = [...left, ...failures];
    if (all.length === 0) return 0;
    log(`error: ${all.join('; ')}`);
    return 1;
  });
}
