import { Command, Option } from 'commander';
import { BinfmtctlError } from '../../errors.ts';
import { carryOutEnter, prepareEnter } from '../../operations/enter.ts';
import { collect, withCommon } from '../common.ts';
import { type EmulateOptions, emulate, withEmulation } from '../emulate.ts';

interface EnterOptions extends EmulateOptions {
  readonly bind: readonly string[];
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly hostname?: string;
  readonly readOnly?: boolean;
  readonly ephemeral?: boolean;
  readonly net: 'host' | 'none';
}

export function enterCommand(done: (status: number) => void): Command {
  const command = new Command('enter')
    .summary('enter a foreign root file system, with or without root')
    .description(
      'Runs a program, or a shell, inside a root file system of any architecture, with what programs there expect to be mounted. Without root it needs Linux 6.7 or later, and ids in /etc/subuid for apt and the like. All mounts and processes end with it. Ends with the status of the program, 128+N for a signal, 125 for a failure of its own, 126 for what is not executable, 127 for what is not there',
    )
    .argument('<rootfs>', 'a folder, a tar archive, an OCI layout or an archive of images')
    .argument('[program...]', 'behind `--`; without: the shell of the user')
    .option(
      '--bind <spec>',
      'SRC[:DST][:ro]: a file or folder of this machine is seen inside (repeatable)',
      collect,
      [],
    )
    .option(
      '--env <variable>',
      'NAME=VALUE, or NAME for its value here (repeatable); all else is clean',
      collect,
      [],
    )
    .option('--user <user>', 'NAME or UID of the root, also with :GROUP')
    .option('--workdir <dir>', 'the folder to begin in')
    .option('--hostname <name>', 'a host name for inside')
    .option('--read-only', 'nothing can be changed but in /tmp, /run and /dev/shm')
    .option('--ephemeral', 'all changes are thrown away')
    .addOption(new Option('--net <network>', 'the network inside').choices(['host', 'none']).default('host'));
  return withCommon(withEmulation(command), [
    ['binfmtctl enter /srv/debian-arm64', 'a shell in it'],
    ['binfmtctl enter ./root -- apt-get install -y hello', 'a command, as a plain user'],
    ['binfmtctl enter --ephemeral rootfs.tar.xz -- make check', 'an archive; nothing is kept'],
    ['binfmtctl enter --bind .:/src --workdir /src ./root -- make', 'with a folder of this machine'],
  ]).action(async (rootfs: string, [program, ...args]: string[], options: EnterOptions) => {
    refuseEmpty(options);
    done(
      await emulate(
        options,
        (request, context) =>
          prepareEnter(
            {
              ...request,
              rootfs,
              program: program ?? null,
              args,
              binds: options.bind,
              environment: options.env,
              user: options.user ?? null,
              workdir: options.workdir ?? null,
              hostname: options.hostname ?? null,
              readOnly: options.readOnly === true,
              ephemeral: options.ephemeral === true,
              noNetwork: options.net === 'none',
            },
            context,
          ),
        carryOutEnter,
      ),
    );
  });
}

function refuseEmpty(options: EnterOptions): void {
  for (const name of ['user', 'workdir', 'hostname'] as const) {
    if (options[name] !== '') continue;
    throw new BinfmtctlError('USAGE', `--${name} is empty`, { hint: 'give it a value, or leave it out' });
  }
}
