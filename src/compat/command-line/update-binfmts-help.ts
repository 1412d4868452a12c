import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
export const USAGE = `Usage: update-binfmts [OPTION...] --install NAME PATH SPEC
       update-binfmts [OPTION...] --remove NAME PATH
       update-binfmts [OPTION...] --import|--unimport|--display|--enable|--disable [NAME]
       update-binfmts [OPTION...] --find[=compat] PATH
`;

export const HELP = `${USAGE}
Keeps the binary formats of /var/lib/binfmts and registers them with the kernel.

Modes:
  --install NAME PATH   keep a format and register it; PATH is its interpreter
  --remove NAME PATH    take it back
  --import [NAME]       keep and register what a package's format file says, or all of them
  --unimport [NAME]     take it back
  --display [NAME]      print a kept format, or all
  --enable [NAME]       register a kept format, or all
  --disable [NAME]      remove its entry, or all
  --find PATH           print the interpreters that would be tried for a file;
                        --find=compat: as update-binfmts 2.2.2 finds them

SPEC:
  --magic BYTES [--mask BYTES] [--offset NUMBER], or --extension TEXT
  --detector PATH       a program that says whether a file is of the format
  --credentials yes     set-user-id programs get their owner's rights
  --preserve yes        the interpreter gets the program's argv[0], too
  --fix-binary yes      the interpreter is opened now, for all roots and namespaces

Options:
  --package NAME        who owns the format
  --admindir DIR        default /var/lib/binfmts
  --importdir DIR       default /usr/share/binfmts
  --procdir DIR         default ${BINFMT_DIRECTORY}
  --test                print what would be done
  -?, --help  --usage  -V, --version

Examples:
  update-binfmts --install jar /usr/bin/jexec --extension jar
  update-binfmts --import qemu-aarch64
  update-binfmts --display
`;
