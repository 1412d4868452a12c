import { BinfmtctlError } from '../../errors.ts';
import { carryOutEnter, prepareEnter } from '../../operations/enter.ts';
import { type EmulateOptions, emulate } from '../emulate.ts';

interface EnterOptions extends EmulateOptions {
  readonly bind: readonly string[];
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly hostname?: string;
  readonly readOnly?: boolean;
  readonly ephemeral?: boolean;
  readonly net: string;
}

/** `binfmtctl enter`. Returns the exit status. */
export async function enter(
  options: EnterOptions,
  [rootfs = '', program, ...args]: readonly string[],
): Promise<number> {
  refuseWrong(options);
  const { bind, env, user, workdir, hostname, readOnly, ephemeral, net } = options;
  const wanted = {
    rootfs,
    program: program ?? null,
    args,
    binds: bind,
    environment: env,
    user: user ?? null,
    workdir: workdir ?? null,
    hostname: hostname ?? null,
    readOnly: readOnly === true,
    ephemeral: ephemeral === true,
    noNetwork: net === 'none',
  };
  return emulate(
    options,
    (request, context) => prepareEnter({ ...request, ...wanted }, context),
    carryOutEnter,
  );
}

function refuseWrong(options: EnterOptions): void {
  for (const name of ['user', 'workdir', 'hostname'] as const) {
    if (options[name] !== '') continue;
    throw new BinfmtctlError('USAGE', `--${name} is empty`, { hint: 'give it a value, or leave it out' });
  }
  if (['host', 'none'].includes(options.net)) return;
  throw new BinfmtctlError('USAGE', `there is no network ${JSON.stringify(options.net)}`, {
    hint: '--net host or --net none',
  });
}
