import { storedName } from '../emulators/names.ts';
import { readProgram } from '../emulators/program.ts';
import type { StoreWriter } from '../emulators/store/writer.ts';
import type { Candidate } from '../emulators/types.ts';
import { readParts } from '../system/file/files.ts';
import { requireTrusted } from '../system/require-trusted.ts';
import type { ChosenTarget } from './choose.ts';

interface FileToCopy extends ChosenTarget {
  readonly path: string;
  readonly origin: 'path' | 'dir';
}

/**
 * Copies an emulator into the store, where other users cannot change it. The caller named the file and so trusts its
 * owner; no other user may be able to write to it.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, NOT_ELF, BAD_ELF; errors of the store.
 */
export async function copyToStore(
  { path, guest, profile, origin }: FileToCopy,
  writer: StoreWriter,
): Promise<Candidate> {
  await readProgram(path);
  await requireTrusted(path, { anyOwner: true });
  const stored = await writer.put(storedName(profile, guest, path), readParts(path));
  return { path: stored.path, from: path, emulator: profile.id, guest, origin };
}
