import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
export const USAGE = `Usage: update-binfmts [OPTION...] --install NAME PATH SPEC
       update-binfmts [OPTION...] --remove NAME PATH
       update-binfmts [OPTION...] --import|--unimport|--display|--enable|--disable [NAME]
       update-binfmts [OPTION...] --find[=compat] PATH
`;

export const HELP = `${USAGE}
Manages the binary formats in /var/lib/binfmts and registers them with the kernel.

Modes:
  --install NAME PATH   install a format and register it; PATH is its interpreter
  --remove NAME PATH    remove an installed format
  --import [NAME]       install and register a package's format, or all
  --unimport [NAME]     remove a package's format, or all
  --display [NAME]      print an installed format, or all
  --enable [NAME]       register an installed format, or all
  --disable [NAME]      unregister an installed format, or all
  --find PATH           print the interpreters that would be tried for a file;
                        --find=compat: as update-binfmts 2.2.2 finds them

SPEC:
  --magic BYTES [--mask BYTES] [--offset NUMBER], or --extension TEXT
  --detector PATH       a program that checks whether a file has the format
  --credentials yes     set-user-ID programs get their owner's rights
  --preserve yes        the interpreter also gets the program's argv[0]
  --fix-binary yes      the interpreter is opened now, for all roots and namespaces

Options:
  --package NAME        package that owns the format
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
