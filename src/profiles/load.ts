import type { Catalogue } from '../catalogue/types.ts';
import { builtinCatalogue } from './builtin.ts';
export async function loadCatalogue(_directories: readonly string[]): Promise<Catalogue> {
  return builtinCatalogue();
}
