/** Names of architectures as the library's functions take them. Pure. */
import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { invalid, NAME, toList } from './options.ts';

/**
 * An architecture: any common spelling of its name (`arm64`, `aarch64`, `linux/arm64`, `aarch64-linux-gnu`), or an `Arch` of
 * the catalogue.
 */
export type ArchLike = string | Pick<Arch, 'kind' | 'id'>;

const EXPECTED = 'a name, an Arch, or an array of them';

/** The names that an argument consists of. @throws USAGE */
export function namesOf(
  call: string,
  argument: string,
  value: ArchLike | readonly ArchLike[],
): readonly string[] {
  return toList<ArchLike>(value).map((each) => {
    const name: unknown = isArch(each) ? each.id : each;
    if (!NAME.accepts(name)) throw invalid(call, argument, each, EXPECTED);
    return name as string;
  });
}

/** Checks that a call has either names or `all: true`. @throws USAGE */
export function assertSelection(
  call: string,
  { names, all }: { readonly names: readonly string[]; readonly all: boolean },
): void {
  // A name may be a list, such as `arm64,riscv64`.
  const isEmpty = names.every((name) => /^[,\s]*$/.test(name));
  if (isEmpty === all) return;
  const problem = all ? 'names and all: true exclude each other' : 'no name given';
  throw new BinfmtctlError('USAGE', `${call}(): ${problem}`, {
    hint: `pass a name, such as ${call}('arm64'), or ${call}([], { all: true })`,
  });
}

function isArch(value: unknown): value is Pick<Arch, 'kind' | 'id'> {
  return typeof value === 'object' && value !== null && 'id' in value;
}
