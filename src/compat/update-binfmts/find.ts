import { existsSync } from 'node:fs';
import { listEntries } from '../../binfmt/entries.ts';
import { inspectInstance } from '../../binfmt/instance/instance.ts';
import { BinfmtctlError } from '../../errors.ts';
import { HEAD_SIZE } from '../../rule/check.ts';
import { matches } from '../../rule/match.ts';
import { failedToRead } from '../../system/file/file-error.ts';
import { readHead } from '../../system/file/head.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { matchesCompat, sizeCompat } from './compat.ts';
import { adminFile, namesInOrder, readDescription } from './database.ts';
import { orderByDetector } from './detectors.ts';
import { isRunDetectors, passesFilesOn } from './run-detectors-path.ts';
import { isRegistered, reasonOf, type Session } from './session.ts';

/** How to match a file: like the kernel, or like update-binfmts 2.2.2. */
export type Matcher = 'kernel' | 'compat';

/** Prints the interpreters that would be tried for a file, in order. @throws FILE_FAILED, BAD_ENTRY. */
export async function find(session: Session, target: string, matcher: Matcher): Promise<boolean> {
  const chosen = await (matcher === 'kernel' ? findLikeKernel : findLikeUpdateBinfmts)(session, target);
  for (const interpreter of chosen) session.print(`${interpreter}\n`);
  return true;
}

/**
 * The interpreter of the newest enabled entry that matches the file. If that is run-detectors, the interpreters of the installed
 * formats that it tries; binfmtctl's run-detectors also tries matching entries of other programs.
 */
async function findLikeKernel(session: Session, target: string): Promise<readonly string[]> {
  const { binfmtDirectory } = session.context;
  const head = headOf(target, HEAD_SIZE);
  const entries = inspectInstance(binfmtDirectory).enabled ? listEntries(binfmtDirectory) : [];
  const taking = entries.filter(({ enabled, pattern }) => enabled && matches(pattern, head, target));
  const [first] = taking;
  if (first === undefined) return [];
  if (!isRunDetectors(first.interpreter)) return [first.interpreter];
  const passesOn = passesFilesOn(first.interpreter);
  const candidates = taking.flatMap(({ name, interpreter }) => {
    if (existsSync(pathBytes(adminFile(session, name)))) return [readDescription(session, name)];
    return passesOn && !isRunDetectors(interpreter) ? [{ detector: '', interpreter }] : [];
  });
  return orderByDetector(candidates, target, session.say);
}

/** The interpreters of matching admin files, in directory order, that have an entry of the same name. */
async function findLikeUpdateBinfmts(session: Session, target: string): Promise<readonly string[]> {
  const names = namesInOrder(session).filter((name) => isRegistered(session, name));
  const descriptions = names.map((name) => readDescription(session, name));
  const head = headOf(target, Math.max(0, ...descriptions.map(sizeCompat)));
  const candidates = descriptions.filter((each) => matchesCompat(each, target, head));
  return orderByDetector(candidates, target, session.say);
}

/** The first bytes of a file; empty for a directory. @throws FILE_FAILED. */
function headOf(path: string, size: number): Uint8Array {
  try {
    return readHead(path, size);
  } catch (error) {
    // stdio reads a directory as an empty file.
    if (failedToRead(error)) return new Uint8Array();
    throw new BinfmtctlError('FILE_FAILED', `unable to open ${path}: ${reasonOf(error)}`);
  }
}
