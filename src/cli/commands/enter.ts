import { BinfmtctlError } from '../../errors.ts';
import { carryOutEnter, prepareEnter } from '../../operations/enter.ts';
import { EMULATION_OPTIONS, type EmulatedCommand, type EmulateOptions, emulate } from '../emulate.ts';

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

export const enter: EmulatedCommand = {
  name: 'enter',
  summary: 'enter a foreign root file system, with or without root',
  description:
    'Runs a program, or a shell, inside a root file system of any architecture, with what programs there expect to be mounted. Without root it needs Linux 6.7 or later, and ids in /etc/subuid for apt and the like. All mounts and processes end with it. Ends with the status of the program, 128+N for a signal, 125 for a failure of its own, 126 for what is not executable, 127 for what is not there',
  words: [
    ['<rootfs>', 'a folder, a tar archive, an OCI layout or an archive of images'],
    ['[program...]', 'behind `--`; without: the shell of the user'],
  ],
  options: [
    ['--bind <spec>', 'SRC[:DST][:ro]: a file or folder of this machine is seen inside (repeatable)', []],
    ['--env <variable>', 'NAME=VALUE, or NAME for its value here (repeatable); all else is clean', []],
    ['--user <user>', 'NAME or UID of the root, also with :GROUP'],
    ['--workdir <dir>', 'the folder to begin in'],
    ['--hostname <name>', 'a host name for inside'],
    ['--read-only', 'nothing can be changed but in /tmp, /run and /dev/shm'],
    ['--ephemeral', 'all changes are thrown away'],
    ['--net <network>', 'the network inside: host or none', 'host'],
    ...EMULATION_OPTIONS,
  ],
  shown: [
    ['binfmtctl enter /srv/debian-arm64', 'a shell in it'],
    ['binfmtctl enter ./root -- apt-get install -y hello', 'a command, as a plain user'],
    ['binfmtctl enter --ephemeral rootfs.tar.xz -- make check', 'an archive; nothing is kept'],
    ['binfmtctl enter --bind .:/src --workdir /src ./root -- make', 'with a folder of this machine'],
  ],
  inOrder: false,
  carryOut: (options: EnterOptions, [rootfs = '', program, ...args]) => {
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
  },
};

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
