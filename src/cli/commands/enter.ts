import { closeSync, readFileSync } from 'node:fs';
import type { Context } from '../../context.ts';
import { enterPrepared, prepareEnter } from '../../enter/enter.ts';
import { checkClean, findMountedRoot, namingImage } from '../../enter/mounts/mounted-image.ts';
import { BinfmtctlError } from '../../errors.ts';
import { isFile } from '../../system/file/is-file.ts';
import { takeMount } from '../../system/namespace/private-mount.ts';
import { cpuVariables, type EmulateOptions, emulate } from '../emulation/emulate.ts';

interface EnterCommandOptions extends EmulateOptions {
  readonly bind: readonly string[];
  readonly env: readonly string[];
  readonly envFd?: string;
  readonly user?: string;
  readonly workdir?: string;
  readonly hostname?: string;
  readonly partition?: string;
  readonly readOnly?: boolean;
  readonly ephemeral?: boolean;
  readonly net: string;
}

/** `binfmtctl enter`. Returns the exit status. */
export async function enter(
  options: EnterCommandOptions,
  [rootfs = '', program, ...args]: readonly string[],
): Promise<number> {
  validateOptions(options);
  const mounted = takeMount();
  const status = mounted === null ? await enterDisk(rootfs, options) : null;
  if (status !== null) return status;
  const image = mounted === null ? null : findMountedRoot(rootfs, mounted);
  const { bind, env, envFd, user, workdir, hostname, readOnly, ephemeral, net } = options;
  const enterRequest = {
    rootfs: image?.directory ?? rootfs,
    isImage: image !== null,
    program: program ?? null,
    args,
    binds: bind,
    environment: [
      ...env,
      ...(envFd === undefined ? [] : readVariables(envFd)),
      ...cpuVariables(options).map((variable) => variable.join('=')),
    ],
    user: user ?? null,
    workdir: workdir ?? null,
    hostname: hostname ?? null,
    readOnly: readOnly === true,
    ephemeral: ephemeral === true,
    noNetwork: net === 'none',
  };
  const withImageName = <T>(context: Context, action: (context: Context) => Promise<T>): Promise<T> =>
    image === null ? action(context) : namingImage(image, context, action);
  return emulate(
    options,
    (request, context) =>
      withImageName(context, (each) => {
        if (image !== null) checkClean(image, each);
        return prepareEnter({ ...request, ...enterRequest }, each);
      }),
    (prepared, context) => withImageName(context, (each) => enterPrepared(prepared, each)),
  );
}

/** Enters the root file system of a disk image by running this command again in a mount namespace. Null if it is not an image. */
async function enterDisk(rootfs: string, options: EnterCommandOptions): Promise<number | null> {
  if (options.partition === undefined && !isFile(rootfs)) return null;
  const { enterDiskImage } = await import('../emulation/disk.ts');
  return enterDiskImage(rootfs, options);
}

/** The last of the standard streams, which belong to the program. */
const STDERR = 2;

/** Reads variables whose values must not appear on a command line. @throws USAGE */
function readVariables(descriptor: string): readonly string[] {
  const wrong = (cause?: unknown): BinfmtctlError =>
    new BinfmtctlError('USAGE', `--env-fd ${descriptor}: not a JSON array of variables`, {
      hint: 'pass the number of an open file descriptor above 2, and write ["NAME=VALUE"] to it',
      cause,
    });
  if (!/^\d+$/.test(descriptor) || Number(descriptor) <= STDERR) {
    const text = `invalid value for --env-fd: "${descriptor}" (expected a file descriptor above 2)`;
    throw new BinfmtctlError('USAGE', text);
  }
  let variables: unknown;
  try {
    variables = JSON.parse(readFileSync(Number(descriptor), 'utf8'));
    closeSync(Number(descriptor));
  } catch (cause) {
    throw wrong(cause);
  }
  if (Array.isArray(variables) && variables.every((each) => typeof each === 'string')) return variables;
  throw wrong();
}

/** A name that hostname(1) accepts; Linux allows 64 characters (sethostname(2)). */
const HOSTNAME = /^[a-z\d](?:[a-z\d.-]{0,62}[a-z\d])?$/i;

function validateOptions(options: EnterCommandOptions): void {
  for (const name of ['user', 'workdir', 'hostname'] as const) {
    if (options[name] !== '') continue;
    throw new BinfmtctlError('USAGE', `--${name} is empty`, { hint: 'pass a value, or omit the option' });
  }
  if (options.hostname !== undefined && !HOSTNAME.test(options.hostname)) {
    throw new BinfmtctlError('USAGE', `invalid host name: ${JSON.stringify(options.hostname)}`, {
      hint: 'use at most 64 letters, digits, dots and hyphens; begin and end with a letter or digit',
    });
  }
}
