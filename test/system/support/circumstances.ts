/** Command prefixes that remove requirements of a command. */

/** A shell script before the command, in a new mount namespace. */
export const afterMounts = (script: string): readonly string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `${script} && exec "$@"`,
  'sh',
];

/** Without a program that the machine may have. */
export const without = (name: string): readonly string[] =>
  afterMounts(`{ ! p=$(command -v ${name}) || mount --bind /dev/null "$(readlink -f "$p")"; }`);

/** As Docker's default profile does: unshare(2), mount(2) and clone(2) with namespaces fail with EPERM. */
export function underSeccomp(): readonly string[] {
  const numbers = { x64: [272, 165, 56], arm64: [97, 40, 220] }[process.arch as 'x64' | 'arm64'];
  const [unshare, mount, clone] = numbers;
  const EPERM = 0x00050001;
  const ALLOW = 0x7fff0000;
  const CLONE_NEW = 0x7e020000;
  // struct sock_filter: code, jump if true, jump if false, operand; of struct seccomp_data 0 is the number, 16 the first argument.
  const filter = [
    [0x20, 0, 0, 0],
    [0x15, 5, 0, unshare],
    [0x15, 4, 0, mount],
    [0x15, 0, 2, clone],
    [0x20, 0, 0, 16],
    [0x45, 1, 0, CLONE_NEW],
    [0x06, 0, 0, ALLOW],
    [0x06, 0, 0, EPERM],
  ];
  const packed = filter.map((words) => `pack("SCCL", ${words.join(', ')})`).join(' . ');
  // prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, struct sock_fprog).
  const prctl = process.arch === 'arm64' ? 167 : 157;
  const script = `my $f = ${packed}; my $p = pack("S x6 P", ${filter.length}, $f);
syscall(${prctl}, 22, 2, $p) == 0 or die "seccomp: $!"; exec @ARGV or die $!`;
  return ['perl', '-e', script, '--'];
}
