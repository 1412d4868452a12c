/** A real JVM, and programs for it. */
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

interface Jvm {
  readonly home: string;
  /** What has to be laid over /usr and /etc, so that it is there. */
  readonly packages: readonly string[];
}

/** The machine's own, else Debian's. */
export function findJvm(): Jvm {
  const onPath = (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, 'java'))
    .find((path) => existsSync(path));
  const home = onPath === undefined ? '' : dirname(dirname(realpathSync(onPath)));
  if (existsSync(join(home, 'lib/jexec'))) return { home, packages: [] };
  const machine = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  return { home: `/usr/lib/jvm/java-17-openjdk-${machine}`, packages: ['openjdk-17-jre-headless'] };
}

/**
 * A class that prints its arguments, joined by `|` (javac --release 8 -g:none):
 * class Seed { public static void main(String[] a) { System.out.println(String.join("|", a)); } }
 */
export const CLASS_FILE = Buffer.from(
  `yv66vgAAADQAIAoAAgADBwAEDAAFAAYBABBqYXZhL2xhbmcvT2JqZWN0AQAGPGluaXQ+AQADKClWCQAIAAkHAAoMAAsADAEAEGph
dmEvbGFuZy9TeXN0ZW0BAANvdXQBABVMamF2YS9pby9QcmludFN0cmVhbTsIAA4BAAF8CgAQABEHABIMABMAFAEAEGphdmEvbGFu
Zy9TdHJpbmcBAARqb2luAQBFKExqYXZhL2xhbmcvQ2hhclNlcXVlbmNlO1tMamF2YS9sYW5nL0NoYXJTZXF1ZW5jZTspTGphdmEv
bGFuZy9TdHJpbmc7CgAWABcHABgMABkAGgEAE2phdmEvaW8vUHJpbnRTdHJlYW0BAAdwcmludGxuAQAVKExqYXZhL2xhbmcvU3Ry
aW5nOylWBwAcAQAEU2VlZAEABENvZGUBAARtYWluAQAWKFtMamF2YS9sYW5nL1N0cmluZzspVgAgABsAAgAAAAAAAgAAAAUABgAB
AB0AAAARAAEAAQAAAAUqtwABsQAAAAAACQAeAB8AAQAdAAAAGQADAAEAAAANsgAHEg0quAAPtgAVsQAAAAAAAA==`,
  'base64',
);

/** The class in a jar that names it as its main class. */
export function jarFile(): Buffer {
  const manifest = Buffer.from('Manifest-Version: 1.0\nMain-Class: Seed\n\n');
  return zip([
    ['META-INF/MANIFEST.MF', manifest],
    ['Seed.class', CLASS_FILE],
  ]);
}

/** Marks a jar for jexec, in the extra field of the first member (JarOutputStream.java JAR_MAGIC). */
const JAR_MAGIC = Buffer.from('feca0000', 'hex');

/** An archive of stored members (PKWARE's APPNOTE.TXT, 4.3). */
function zip(members: readonly (readonly [name: string, bytes: Buffer])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [index, [name, bytes]] of members.entries()) {
    const extra = index === 0 ? JAR_MAGIC : Buffer.alloc(0);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(10, 0); // version needed
    head.writeUInt16LE(0x21, 8); // the first day that a date can hold
    head.writeUInt32LE(crc32(bytes), 10);
    head.writeUInt32LE(bytes.length, 14);
    head.writeUInt32LE(bytes.length, 18);
    head.writeUInt16LE(name.length, 22);
    head.writeUInt16LE(extra.length, 24);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), head, Buffer.from(name), extra, bytes]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    const version = Buffer.from([10, 0]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), version, head, rest, Buffer.from(name), extra]));
    parts.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, entries, Buffer.from('PK\x05\x06'), end]);
}
