import type { Catalogue } from '../catalogue/types.ts';
import compiled from './builtin.json' with { type: 'json' };

/** The built-in profiles. */
export function builtinCatalogue(): Catalogue {
  return compiled as unknown as Catalogue;
}
